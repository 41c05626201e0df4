//! The key under which idempotency keys are hashed: from a file that all replicas share, else made once and kept beside
//! the spool, else made at each start, where the memory does not outlive the process anyway.

use std::path::Path;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::Config;
use crate::dedupe::HashKey;
use crate::secret::{Secret, SecretFileError};
use crate::spool;

/// Beside the segments, 0600: 32 hex digits and a newline.
const FILE: &str = "hash.key";

pub(super) fn load(config: &Config) -> Result<HashKey> {
    match (&config.hash_key_file, &config.spool) {
        (Some(file), _) => read(file).with_context(|| "dedupe.hash_key_file"),
        (None, Some(settings)) => {
            spool::create_directory(settings)?;
            beside_spool(&settings.dir.join(FILE))
        }
        (None, None) => Ok(HashKey::new(random()?)),
    }
}

fn beside_spool(file: &Path) -> Result<HashKey> {
    if !file.exists() {
        let text = format!("{}\n", HEXLOWER_PERMISSIVE.encode(&random()?));
        match Secret::new(text).write_new_file(file) {
            // Another process was faster: both go on with its key, and the spool's lock decides between them.
            Err(SecretFileError::Io { error, .. }) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            written => written?,
        }
    }
    read(file)
}

fn read(file: &Path) -> Result<HashKey> {
    let secret = Secret::from_file(file)?;
    let mut key = [0; HashKey::BYTES];
    let decoded = HEXLOWER_PERMISSIVE.decode(secret.expose()).ok();
    match decoded.filter(|bytes| bytes.len() == key.len()) {
        Some(bytes) => key.copy_from_slice(&bytes),
        None => bail!(
            "{}: expected 32 hex digits; make one with `openssl rand -hex 16` (keys known under another are forgotten)",
            file.display()
        ),
    }
    Ok(HashKey::new(key))
}

fn random() -> Result<[u8; HashKey::BYTES]> {
    let mut bytes = [0; HashKey::BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}
