//! The real binary, with a configuration and a directory of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::client::{Answer, Connection, Request};
use crate::support::limit::wait_for;
use crate::support::port;
use crate::support::process::Process;

/// A gateway and what belongs to it. All of it ends with this value.
pub(crate) struct Gateway {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    dir: TempDir,
    process: Process,
}

/// The binary that cargo built for these tests.
pub(crate) fn hookgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hookgate"))
}

impl Gateway {
    /// Starts `hookgate run` and waits until it is ready. Its addresses are set; `{dir}` in the configuration becomes a
    /// directory of its own, which outlives restarts.
    pub(crate) fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (public, admin) = (address(port::free()), address(port::free()));
        let config = config.replace("{dir}", dir.path().to_str().expect("a name in UTF-8"));
        let config = format!("listen: {public}\nadmin: {admin}\n{config}");
        fs::write(dir.path().join("hookgate.yaml"), config).expect("the configuration can be written");
        let process = run(dir.path());
        let mut gateway = Self { public, admin, dir, process };
        gateway.wait_until_ready();
        gateway
    }

    /// Starts it again after its end, with the same configuration and directory.
    pub(crate) fn restart(&mut self) {
        self.process = run(self.dir.path());
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        wait_for("the gateway to be ready", || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the gateway ended at its start with {ended:?}:\n{}", self.process.log());
            self.ask_admin("/readyz").filter(|answer| answer.status == 200)
        });
    }

    /// A new connection to the public port.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.public).expect("the gateway listens")
    }

    /// One request on a connection of its own to the public port.
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        self.connect().ask(request).expect("an answer")
    }

    /// A page of the private port; none where nobody answers.
    pub(crate) fn ask_admin(&self, target: &str) -> Option<Answer> {
        Connection::open(self.admin)?.ask(&Request::get(target))
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM; the exit code at its end.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.wait().code()
    }

    /// What it has logged so far, over all its starts.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

fn run(dir: &Path) -> Process {
    let mut command = hookgate();
    command.args(["run", "--config"]).arg(dir.join("hookgate.yaml"));
    Process::start(&command, &dir.join("gateway.log"))
}
