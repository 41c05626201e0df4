//! The real binary, with a configuration and a directory of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::client::{Answer, Connection, Request};
use crate::support::limit::wait_for;
use crate::support::port;
use crate::support::process::Process;
use crate::support::scratch;

/// Its configuration, in its directory.
pub(crate) const CONFIG: &str = "hookgate.yaml";
const LOG: &str = "gateway.log";

/// A gateway and what belongs to it. All of it ends with this value.
pub(crate) struct Gateway {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    dir: TempDir,
    process: Process,
    /// How it is started again, for its directory.
    again: Box<dyn Fn(&Path) -> Command + Send + Sync>,
}

/// The binary that cargo built for these tests.
pub(crate) fn hookgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hookgate"))
}

impl Gateway {
    /// Starts `hookgate run` and waits until it is ready. Its addresses are set; `{dir}` in the configuration becomes a
    /// directory of its own, which outlives restarts.
    pub(crate) fn start(config: &str) -> Self {
        let mut gateway = Self::launch(config);
        gateway.wait_until_ready();
        gateway
    }

    /// The same, where it cannot be ready: nothing can keep an event.
    pub(crate) fn start_without_custody(config: &str) -> Self {
        let mut gateway = Self::launch(config);
        gateway.wait_until_alive();
        gateway
    }

    /// The same without the wait: it may not become ready, or may end.
    pub(crate) fn launch(config: &str) -> Self {
        Self::launch_with(config, run)
    }

    /// The same where a script has been run first, in mounts that nobody else sees and that end with the gateway.
    /// `$DIR` is the gateway's directory.
    pub(crate) fn launch_behind(script: &str, config: &str) -> Self {
        Self::launch_with(config, |dir| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-ec", &format!("{script}; exec \"$@\"")]);
            command.arg("sh").arg(hookgate().get_program()).args(["run", "--config"]).arg(dir.join(CONFIG));
            Process::start(command.env("DIR", dir), &dir.join(LOG))
        })
    }

    /// The same by another command than `hookgate run`, now and at each new start: it gets the directory, in which the
    /// configuration lies at [`CONFIG`].
    pub(crate) fn launch_by(config: &str, command: impl Fn(&Path) -> Command + Send + Sync + 'static) -> Self {
        let mut gateway = Self::launch_with(config, |dir| Process::start(&command(dir), &dir.join(LOG)));
        gateway.again = Box::new(command);
        gateway
    }

    /// The same where the address of `listen` or `admin` is given.
    pub(crate) fn launch_at(key: &str, address: SocketAddr, config: &str) -> Self {
        let own = |its: &str| if its == key { address } else { free_address() };
        Self::launch_on(own("listen"), own("admin"), config, run)
    }

    fn launch_with(config: &str, run: impl FnOnce(&Path) -> Process) -> Self {
        Self::launch_on(free_address(), free_address(), config, run)
    }

    fn launch_on(public: SocketAddr, admin: SocketAddr, config: &str, run: impl FnOnce(&Path) -> Process) -> Self {
        let dir = scratch::dir("gateway-");
        let config = config.replace("{dir}", dir.path().to_str().expect("a name in UTF-8"));
        let config = format!("listen: {public}\nadmin: {admin}\n{config}");
        fs::write(dir.path().join(CONFIG), config).expect("the configuration can be written");
        let process = run(dir.path());
        Self { public, admin, dir, process, again: Box::new(command) }
    }

    /// Starts it again after its end, with the same configuration and directory.
    pub(crate) fn restart(&mut self) {
        self.relaunch();
        self.wait_until_ready();
    }

    /// Starts it again without the wait.
    pub(crate) fn relaunch(&mut self) {
        self.process = Process::start(&(self.again)(self.dir.path()), &self.dir.path().join(LOG));
    }

    /// Waits until it says that it would keep an event.
    pub(crate) fn wait_until_ready(&mut self) {
        self.wait_until("/readyz");
    }

    /// Waits until it answers at all.
    pub(crate) fn wait_until_alive(&mut self) {
        self.wait_until("/livez");
    }

    fn wait_until(&mut self, page: &str) {
        wait_for(&format!("{page} of the gateway"), || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the gateway ended at its start with {ended:?}:\n{}", self.process.log());
            self.ask_admin(page).filter(|answer| answer.status == 200)
        });
    }

    /// Whether it says that it would keep an event.
    pub(crate) fn is_ready(&self) -> bool {
        self.ask_admin("/readyz").is_some_and(|answer| answer.status == 200)
    }

    /// Starts it again after its end, with another text in place of some of its configuration.
    pub(crate) fn restart_with(&mut self, old: &str, new: &str) {
        let config = fs::read_to_string(self.config()).expect("it has been written");
        assert!(config.contains(old), "{old} is nowhere in the configuration");
        fs::write(self.config(), config.replace(old, new)).expect("the configuration can be written");
        self.restart();
    }

    /// The file with its configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join(CONFIG)
    }

    /// Where its spool is, if it has one of [`super::setup::Setup`]'s.
    pub(crate) fn spool(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    /// How much memory it occupies, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
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
        self.signal("TERM");
        self.end()
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for its end; the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.process.wait().code()
    }

    /// What it has logged so far, over all its starts.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()))
}

fn command(dir: &Path) -> Command {
    let mut command = hookgate();
    command.args(["run", "--config"]).arg(dir.join(CONFIG));
    command
}

fn run(dir: &Path) -> Process {
    Process::start(&command(dir), &dir.join(LOG))
}
