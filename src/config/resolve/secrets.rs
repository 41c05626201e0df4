//! Secrets, from wherever the file says they are.

use std::path::PathBuf;

use crate::config::decode::Field;
use crate::config::problem::{At, Problems};
use crate::secret::Secret;

/// More than anybody rotates at once; each costs a MAC a request.
const SECRETS_MAX: usize = 32;

/// The secret files that were read.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) read: Vec<PathBuf>,
    /// What a source still has to say to run is not missing: it is on trial.
    pub(super) on_trial: bool,
}

/// The four keys in which secrets are given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) secret: &'a Field<Option<Secret>>,
    pub(super) secrets: &'a Field<Option<Vec<Secret>>>,
    pub(super) secret_file: &'a Field<Option<PathBuf>>,
    pub(super) secret_files: &'a Field<Option<Vec<PathBuf>>>,
}

/// The keys of a block that has all four.
macro_rules! keys {
    ($block:expr) => {
        $crate::config::resolve::secrets::Keys {
            secret: &$block.secret,
            secrets: &$block.secrets,
            secret_file: &$block.secret_file,
            secret_files: &$block.secret_files,
        }
    };
}
pub(super) use keys;

/// A secret and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) secret: Secret,
    pub(super) at: At,
}

impl Keys<'_> {
    /// Whether any of them was written, well or badly.
    pub(super) const fn given(&self) -> bool {
        self.secret.given || self.secrets.given || self.secret_file.given || self.secret_files.given
    }

    /// All of them, in the order of the keys.
    pub(super) fn read(&self, files: &mut Files, problems: &mut Problems) -> Vec<Found> {
        let mut found = Vec::new();
        let mut add = |secret: &Secret, at: At| found.push(Found { secret: secret.clone(), at });
        if let Some(secret) = &**self.secret {
            add(secret, self.secret.at.clone());
        }
        for (index, secret) in self.secrets.iter().flatten().enumerate() {
            add(secret, self.secrets.at.index(index));
        }
        let named = self.secret_file.iter().map(|path| (path, self.secret_file.at.clone()));
        let listed = self.secret_files.iter().flatten().enumerate();
        let listed = listed.map(|(index, path)| (path, self.secret_files.at.index(index)));
        for (path, at) in named.chain(listed) {
            files.read.push(path.clone());
            match Secret::from_file(path) {
                Ok(secret) => add(&secret, at),
                Err(error) => problems.error(&at, error.to_string(), "a file with one secret"),
            }
        }
        self.check(&found, problems);
        found
    }

    fn check(&self, found: &[Found], problems: &mut Problems) {
        let secrets = (&self.secrets.at, self.secrets.sound && self.secrets.as_ref().is_some_and(Vec::is_empty));
        let files =
            (&self.secret_files.at, self.secret_files.sound && self.secret_files.as_ref().is_some_and(Vec::is_empty));
        for (at, empty) in [secrets, files] {
            if empty {
                problems.error(at, "an empty list", "at least one secret");
            }
        }
        if let Some(first_too_many) = found.get(SECRETS_MAX) {
            problems.error(&first_too_many.at, format!("{} secrets", found.len()), format!("at most {SECRETS_MAX}"));
        }
    }
}
