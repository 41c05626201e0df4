//! The key under which idempotency keys are hashed, from a file: 32 hex digits, and a newline or none.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use thiserror::Error;

use crate::dedupe::HashKey;
use crate::secret::{Secret, SecretFileError};

/// Why a file holds no such key.
#[derive(Debug, Error)]
pub enum HashKeyError {
    /// See there.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// It holds something else.
    #[error(
        "{0}: expected 32 hex digits; make one with `openssl rand -hex 16` (keys known under another are forgotten)"
    )]
    NotHex(PathBuf),
}

/// Reads a key.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read(file: &Path) -> Result<HashKey, HashKeyError> {
    let secret = Secret::from_file(file)?;
    let decoded = HEXLOWER_PERMISSIVE.decode(secret.expose()).ok();
    let key = decoded.and_then(|bytes| <[u8; HashKey::BYTES]>::try_from(bytes).ok());
    key.map(HashKey::new).ok_or_else(|| HashKeyError::NotHex(file.to_owned()))
}
