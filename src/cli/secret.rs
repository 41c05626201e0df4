//! A secret as the command line gives it: text, `@FILE` or `env:VARIABLE`.

use crate::cli::CommandError;
use crate::config::Environment;
use crate::secret::Secret;

/// The secret.
///
/// # Errors
/// The file cannot be read, or the variable is not set.
pub(super) fn given(text: &str, environment: &dyn Environment) -> Result<Secret, CommandError> {
    if let Some(path) = text.strip_prefix('@') {
        let secret = Secret::from_file(path.as_ref());
        return secret.map_err(|error| CommandError::Usage(format!("--secret @{error}")));
    }
    match text.strip_prefix("env:") {
        None => Ok(Secret::new(text)),
        Some(name) => {
            let value = environment.variable(name);
            value
                .map(Secret::new)
                .ok_or_else(|| CommandError::Usage(format!("--secret {text}: the variable is not set")))
        }
    }
}
