//! The key under which idempotency keys are hashed: from a file that all replicas share, else made once and kept beside
//! the spool, else made at each start, where the memory does not outlive the process anyway.

use std::path::Path;

use anyhow::Result;
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::{Config, read_hash_key};
use crate::dedupe::HashKey;
use crate::secret::{Secret, SecretFileError};
use crate::spool;

/// Beside the segments, 0600: 32 hex digits and a newline.
const FILE: &str = "hash.key";

pub(super) fn load(config: &Config) -> Result<HashKey> {
    match (&config.hash_key, &config.spool) {
        (Some(key), _) => Ok(key.clone()),
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
    Ok(read_hash_key(file)?)
}

fn random() -> Result<[u8; HashKey::BYTES]> {
    let mut bytes = [0; HashKey::BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}
