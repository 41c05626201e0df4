//! Secrets: held so that they cannot be printed, wiped when dropped, and read from files here alone.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use zeroize::Zeroizing;

mod list;

pub use list::{read as read_list, replace as replace_list};

/// A secret is not longer than this, in bytes. RSA public keys in PEM are the longest that are in use.
pub const BYTES_MAX: usize = 64 * 1024;

/// Bytes that must not be seen. There is no `Display`, and `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a secret file could not be used.
#[derive(Debug, Error)]
pub enum SecretFileError {
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Nothing in it, or only a newline. An empty key would verify for anyone.
    #[error("{0}: the file is empty; a secret has at least one byte")]
    Empty(PathBuf),
    /// More than [`BYTES_MAX`].
    #[error("{0}: the file is longer than a secret can be (64 KiB)")]
    TooLong(PathBuf),
}

impl Secret {
    /// Takes over the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves. Whoever calls this answers for where they go.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Reads the file whole. One newline at its end (LF or CRLF) is not part of the secret.
    ///
    /// # Errors
    /// The file is missing, unreadable, empty, or longer than [`BYTES_MAX`].
    pub fn from_file(path: &Path) -> Result<Self, SecretFileError> {
        let failed = |error| SecretFileError::Io { path: path.to_owned(), error };
        let file = OpenOptions::new().read(true).open(path).map_err(failed)?;
        let mut bytes = Zeroizing::new(Vec::new());
        let limit = u64::try_from(BYTES_MAX + 3).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        match bytes.len() {
            0 => Err(SecretFileError::Empty(path.to_owned())),
            1..=BYTES_MAX => Ok(Self(bytes)),
            _ => Err(SecretFileError::TooLong(path.to_owned())),
        }
    }

    /// Writes a new file that only its owner can read (0600), durably. An existing file is left as it is. The file is
    /// there whole or not at all: half of a secret would stop every later start.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn write_new_file(&self, path: &Path) -> Result<(), SecretFileError> {
        let failed = |error| SecretFileError::Io { path: path.to_owned(), error };
        let unfinished = beside(path).map_err(failed)?;
        let written = self.write(&unfinished).and_then(|()| link(&unfinished, path));
        // The link is a second name; where it is the only one, it was not made.
        drop(fs::remove_file(&unfinished));
        written.and_then(|()| sync_directory_of(path)).map_err(failed)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&self.0)?;
        file.sync_all()
    }
}

/// A name that nobody has, in the same directory.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    SystemRandom::new().fill(&mut random).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(path.with_file_name(format!("{name}.{:016x}.new", u64::from_le_bytes(random))))
}

/// Gives a file a second name, unless that is taken.
fn link(file: &Path, name: &Path) -> io::Result<()> {
    match fs::hard_link(file, name) {
        // A volume without links: there the name may be taken between the look and the rename.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && name.symlink_metadata().is_err() => {
            fs::rename(file, name)
        }
        linked => linked,
    }
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(above)?.sync_all()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn read(content: &[u8]) -> Result<Secret, SecretFileError> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        fs::write(&path, content).expect("written");
        Secret::from_file(&path)
    }

    #[test]
    fn one_newline_at_the_end_of_a_file_is_not_part_of_the_secret() {
        for content in ["abc", "abc\n", "abc\r\n"] {
            assert_eq!(read(content.as_bytes()).expect("a secret").expose(), b"abc");
        }
        assert_eq!(read(b"abc\n\n").expect("a secret").expose(), b"abc\n");
        assert_eq!(read(b" abc ").expect("a secret").expose(), b" abc ");
    }

    #[test]
    fn an_empty_or_missing_or_endless_file_is_refused() {
        for content in ["", "\n", "\r\n"] {
            assert!(matches!(read(content.as_bytes()), Err(SecretFileError::Empty(_))));
        }
        assert!(matches!(read(&vec![b'x'; BYTES_MAX + 1]), Err(SecretFileError::TooLong(_))));
        assert!(matches!(Secret::from_file(Path::new("/nowhere")), Err(SecretFileError::Io { .. })));
    }

    #[test]
    fn a_written_secret_is_for_its_owner_alone_and_never_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        Secret::new("abc").write_new_file(&path).expect("written");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(Secret::new("other").write_new_file(&path).is_err());
        assert_eq!(Secret::from_file(&path).expect("read").expose(), b"abc");
        assert_eq!(fs::read_dir(dir.path()).expect("can be read").count(), 1, "nothing half-made is left");
    }

    #[test]
    fn half_a_secret_that_a_crash_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        let (half, whole) = (beside(&path).expect("a name"), beside(&path).expect("a name"));
        Secret::new("a").write(&half).expect("written");
        assert!(!path.exists());
        assert!(link(&whole, &path).is_err() && !path.exists(), "there is nothing to be linked");
        Secret::new("abc").write_new_file(&path).expect("written");
        assert_eq!(Secret::from_file(&path).expect("read").expose(), b"abc");
    }

    #[test]
    fn a_secret_cannot_be_seen_in_debug_output() {
        assert!(!format!("{:?}", Secret::new("abc")).contains("abc"));
    }
}
