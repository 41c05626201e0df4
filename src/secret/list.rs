//! Lists of secrets that a gateway keeps itself: a file (0600) with one a line.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::{BYTES_MAX, Secret, SecretFileError, sync_directory_of};

/// Reads a list, in the order in which it was written. A file that is not there is an empty list.
///
/// # Errors
/// The file cannot be read, or is longer than [`BYTES_MAX`].
pub fn read(path: &Path) -> Result<Vec<Secret>, SecretFileError> {
    let failed = |error| SecretFileError::Io { path: path.to_owned(), error };
    let file = match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(failed)?,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = u64::try_from(BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > BYTES_MAX {
        return Err(SecretFileError::TooLong(path.to_owned()));
    }
    Ok(bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(Secret::new).collect())
}

/// Puts a list in the place of the one in the file, durably. After a crash the file is the one or the other, whole. Only
/// one process may do it at a time.
///
/// # Errors
/// A secret is empty or has a line break, the list is longer than [`BYTES_MAX`], or the file cannot be written; it is
/// as it was then, or, where only the last sync failed, one or the other.
pub fn replace(path: &Path, secrets: &[Secret]) -> Result<(), SecretFileError> {
    let failed = |error| SecretFileError::Io { path: path.to_owned(), error };
    let mut text = Zeroizing::new(Vec::new());
    for secret in secrets {
        if secret.expose().is_empty() || secret.expose().contains(&b'\n') {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        text.extend_from_slice(secret.expose());
        text.push(b'\n');
    }
    if text.len() > BYTES_MAX {
        return Err(SecretFileError::TooLong(path.to_owned()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = path.with_file_name(format!("{name}.new"));
    write(&unfinished, &text).and_then(|()| fs::rename(&unfinished, path)).map_err(|error| {
        drop(fs::remove_file(&unfinished));
        failed(error)
    })?;
    sync_directory_of(path).map_err(failed)
}

/// What a crash left under that name is in nobody's way.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn listed(path: &Path) -> Vec<String> {
        let text = |secret: Secret| String::from_utf8(secret.expose().to_vec()).expect("text");
        read(path).expect("a list").into_iter().map(text).collect()
    }

    #[test]
    fn a_list_is_replaced_whole_and_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("list");
        assert!(listed(&path).is_empty());
        replace(&path, &[Secret::new("one")]).expect("written");
        fs::write(dir.path().join("list.new"), "half of a li").expect("as a crash leaves it");
        assert_eq!(listed(&path), ["one"]);
        replace(&path, &[Secret::new("one"), Secret::new("two")]).expect("written");
        assert_eq!(listed(&path), ["one", "two"]);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("can be read").count(), 1, "nothing half-made is left");
    }

    #[test]
    fn what_would_not_come_back_as_it_was_is_not_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("list");
        replace(&path, &[Secret::new("one")]).expect("written");
        let long = vec![b'x'; BYTES_MAX];
        for wrong in ["".into(), b"a\nb".to_vec(), long] {
            assert!(replace(&path, &[Secret::new(wrong)]).is_err());
            assert_eq!(listed(&path), ["one"]);
        }
        assert!(replace(&dir.path().join("nowhere/list"), &[Secret::new("one")]).is_err());
    }
}
