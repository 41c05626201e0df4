//! The servers that are measured, each pinned to core 0 with all its threads.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::client::{Connection, Request};
use crate::support::limit::wait_for;
use crate::support::port;
use crate::support::process::Process;
use crate::traffic::SECRET;

/// Linux counts CPU time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

/// Where no broker is.
const NOBODY: &str = "127.0.0.1:1";

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// axum reads the body and answers.
    Bare,
    /// The same behind a group commit.
    Commit,
    /// The same behind an awaited producer.
    Kafka,
    /// The gateway's way in up to dedupe, with nothing behind it: `pipeline --listen ADDRESS --config FILE`.
    Pipeline,
    /// The gateway with `ack: disk` and no broker in reach: the way in and the spool, nothing behind it.
    Custody,
    /// The gateway; the word is its `ack`.
    Hookgate(&'static str),
}

impl Who {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Bare => "bare axum".to_owned(),
            Self::Commit => "axum + group commit".to_owned(),
            Self::Kafka => "axum + FutureProducer".to_owned(),
            Self::Pipeline => "hookgate, nothing kept".to_owned(),
            Self::Custody => "hookgate, ack: disk, no broker".to_owned(),
            Self::Hookgate(ack) => format!("hookgate, ack: {ack}"),
        }
    }

    /// Whether what it answers 200 to is in Kafka, then or soon.
    pub(crate) fn sends(self) -> bool {
        matches!(self, Self::Kafka | Self::Hookgate(_))
    }
}

/// Where the programs are.
pub(crate) struct Programs {
    pub(crate) hookgate: PathBuf,
    pub(crate) baseline: PathBuf,
    pub(crate) pipeline: Option<PathBuf>,
    /// On the disk that is measured.
    pub(crate) scratch: PathBuf,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Process,
    _dir: TempDir,
}

impl Server {
    pub(crate) fn start(who: Who, programs: &Programs, brokers: &str, topic: &str) -> Self {
        let dir = TempDir::with_prefix_in("server-", &programs.scratch).expect("target can be written");
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (address, admin) = (loopback(port::free()), loopback(port::free()));
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]);
        let listen = address.to_string();
        let file = dir.path().join("hookgate.yaml");
        let spool = dir.path().join("spool");
        let (ack, brokers) = match who {
            Who::Hookgate(ack) => (ack, brokers),
            Who::Custody => ("disk", NOBODY),
            _ => ("memory", brokers),
        };
        fs::write(&file, config(ack, address, admin, brokers, topic, &spool)).expect("written");
        match who {
            Who::Bare => command.arg(&programs.baseline).args(["bare", "--listen", &listen]),
            Who::Commit => {
                command.arg(&programs.baseline).args(["commit", "--listen", &listen, "--dir"]).arg(dir.path())
            }
            Who::Kafka => {
                let to = ["kafka", "--listen", &listen, "--brokers", brokers, "--topic", topic];
                command.arg(&programs.baseline).args(to)
            }
            Who::Pipeline => {
                let program = programs.pipeline.as_ref().expect("only where it was built");
                command.arg(program).args(["--listen", &listen, "--config"]).arg(file)
            }
            Who::Custody | Who::Hookgate(_) => command.arg(&programs.hookgate).args(["run", "--config"]).arg(file),
        };
        let mut process = Process::start(&command, &dir.path().join("log"));
        wait_for("the server to listen", || {
            assert!(process.ended().is_none(), "{} ended at its start:\n{}", who.name(), process.log());
            match who {
                Who::Custody | Who::Hookgate(_) => is_ready(admin).then_some(()),
                _ => TcpStream::connect(address).ok().map(drop),
            }
        });
        Self { address, process, _dir: dir }
    }

    /// CPU time so far, in seconds, of all its threads.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        // After the name in parentheses: utime and stime are the 12th and 13th.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
        (ticks(11) + ticks(12)) / TICKS_A_SECOND
    }

    /// Resident memory now, in MiB.
    pub(crate) fn rss_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
        kib / 1024.0
    }
}

fn config(ack: &str, public: SocketAddr, admin: SocketAddr, brokers: &str, topic: &str, spool: &Path) -> String {
    let spool = match ack {
        // What a Deployment without a disk would say.
        "kafka" | "memory" => String::new(),
        _ => format!("spool: {{ dir: \"{}\", max_bytes: 4GiB, segment_bytes: 64MiB }}\n", spool.display()),
    };
    format!(
        "listen: {public}\nadmin: {admin}\nack: {ack}\nkafka: {{ brokers: [\"{brokers}\"], topic: {topic} }}\n{spool}\
         log: {{ level: warn }}\nshutdown: {{ drain_delay: 0s }}\nsources:\n  orders:\n    \
         auth: {{ hmac: sha256, signature: header:X-Signature, prefix: sha256=, encoding: hex }}\n    \
         secret: {SECRET}\n    id: json:/id\n    type: json:/type\n    limits: {{ in_flight: 4096 }}\n"
    )
}

fn is_ready(admin: SocketAddr) -> bool {
    let answer = Connection::open(admin).and_then(|mut connection| connection.ask(&Request::get("/readyz")));
    answer.is_some_and(|answer| answer.status == 200)
}
