//! A command that is run to its end.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::gateway::hookgate;

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) messages: String,
}

impl Said {
    /// Of any program.
    pub(crate) fn by(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it runs");
        Self { code: status.code(), out: stdout, messages: String::from_utf8(stderr).expect("UTF-8") }
    }

    /// Of `hookgate` with these arguments.
    pub(crate) fn hookgate(arguments: &[&str]) -> Self {
        Self::by(hookgate().args(arguments))
    }

    /// The same, where it has to end well.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.text(), self.messages);
        self
    }

    /// Its data as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// Its data as one object.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.out).expect("one object")
    }
}
