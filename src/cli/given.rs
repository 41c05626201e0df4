//! What stands on a command line: headers, bodies.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::CommandError;

/// `Name: value`, each.
///
/// # Errors
/// One is no header.
pub(super) fn headers(given: &[String]) -> Result<HeaderMap, CommandError> {
    let mut headers = HeaderMap::new();
    for line in given {
        let wrong = || CommandError::Usage(format!("-H '{line}': expected `Name: value`"));
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name = name.trim().parse::<HeaderName>().map_err(|_| wrong())?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(|_| wrong())?);
    }
    Ok(headers)
}

/// `@FILE`, or the text itself.
///
/// # Errors
/// The file cannot be read.
pub(super) fn body(text: &str) -> Result<Vec<u8>, CommandError> {
    match text.strip_prefix('@') {
        None => Ok(text.as_bytes().to_vec()),
        Some(path) => std::fs::read(path).map_err(|error| CommandError::Usage(format!("--body @{path}: {error}"))),
    }
}
