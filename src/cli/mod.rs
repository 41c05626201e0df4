//! The commands, one file each. Each takes its parsed arguments and what it reads from and writes to, and says how it
//! ended; data goes to what it is given, never to the process's own streams.

use std::process::ExitCode;

pub mod check;
pub mod config;
pub mod presets;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Success,
    /// 1: it did what it was asked, and the answer is no; or it failed.
    Failure,
    /// 2: it was asked for something that there is not.
    Usage,
    /// 78 (`EX_CONFIG`): the configuration is bad.
    BadConfig,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::BadConfig => 78,
        })
    }
}
