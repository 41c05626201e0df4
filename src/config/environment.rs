//! The environment, and the file that is meant when none is named: the one place that reads variables.

use std::path::{Path, PathBuf};

use crate::config::problem::{At, Problems};

/// Where variables come from. A closure from name to value is one too.
pub trait Environment {
    /// The variable's value; none where it is unset (or is no text).
    fn variable(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads it")]
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn variable(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Names the file when `--config` does not.
pub const CONFIG_VARIABLE: &str = "HOOKGATE_CONFIG";
/// Looked for in this order when nothing names the file.
pub const CONFIG_PLACES: [&str; 2] = ["./hookgate.yaml", "/etc/hookgate/hookgate.yaml"];

/// The file to read: `--config`, else `HOOKGATE_CONFIG`, else the first of [`CONFIG_PLACES`] that is there.
///
/// # Errors
/// Nothing names a file and none is there.
pub fn find(named: Option<&Path>, environment: &dyn Environment) -> Result<PathBuf, Problems> {
    let from_variable = || environment.variable(CONFIG_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let there = || CONFIG_PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    named.map(Path::to_owned).or_else(from_variable).or_else(there).ok_or_else(|| {
        let mut problems = Problems::default();
        let expected = format!(
            "--config FILE, {CONFIG_VARIABLE}, {}; `hookgate config example` prints one to begin with",
            CONFIG_PLACES.join(" or ")
        );
        problems.error(&At::default(), "no configuration file", expected);
        problems
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_variable() {
        let environment = |name: &str| (name == CONFIG_VARIABLE).then(|| "/from/variable.yaml".to_owned());
        let found = |named| find(named, &environment).expect("a file");
        assert_eq!(found(Some(Path::new("/from/flag.yaml"))), Path::new("/from/flag.yaml"));
        assert_eq!(found(None), Path::new("/from/variable.yaml"));
    }
}
