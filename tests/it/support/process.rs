//! Servers that tests start. None outlives the test binary, however that ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use crate::support::limit::wait_for;

/// Runs "$@" in its own place, with a watcher beside it that kills it when the far end of our pipe closes. The kernel
/// closes that when the tests die, even by SIGKILL. The watcher looks whether it still is the server's child: a number
/// that the kernel has given to somebody else meanwhile is left alone.
const TIED: &str = r#"
exec 3<&0 </dev/null
(
  read -r _ <&3
  read -r _ _ _ parent _ </proc/self/stat
  [ "$parent" = $$ ] && kill -KILL $$
) >/dev/null 2>&1 &
exec 3<&-
exec "$@"
"#;

/// A running server and the file that holds what it said.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    /// The near end of the watcher's pipe.
    tie: Option<ChildStdin>,
}

impl Process {
    /// Starts `program`; stdout and stderr are appended to `log`.
    pub(crate) fn start(program: &Command, log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log).expect("the log can be written");
        let mut command = Command::new("sh");
        command.args(["-c", TIED, "sh"]).arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = program.get_current_dir() {
            command.current_dir(dir);
        }
        command.stdin(Stdio::piped()).stdout(output.try_clone().expect("a second handle")).stderr(output);
        let mut child = command.spawn().expect("sh is there");
        let tie = child.stdin.take().expect("stdin is piped");
        Self { child, log: log.to_owned(), tie: Some(tie) }
    }

    /// The process number, for /proc.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name: `TERM`, `STOP`, `CONT`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no process {} to send SIG{name} to", self.id());
    }

    /// Ends it as a power cut would, as far as the process can tell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child")
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the end of a process", || self.ended())
    }

    /// Closes our end of the pipe, as our own death would.
    pub(crate) fn untie(&mut self) {
        self.tie = None;
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.kill();
        }
    }
}
