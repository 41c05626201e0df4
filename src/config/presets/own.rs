//! An operator's own presets: a directory of files like ours.

use std::path::PathBuf;

use crate::config::place::Document;
use crate::config::presets::{Preset, decode, names};
use crate::config::problem::{At, Problems};
use crate::config::tree::{BYTES_MAX, Node};

/// The directory of `presets`, and what is in it; by default none.
#[derive(Debug, Default)]
pub(super) struct Own {
    directory: PathBuf,
    names: Vec<String>,
    /// What is in it cannot be known, and has been told.
    pub(super) unreadable: bool,
}

impl Own {
    /// Looks into the directory that the file names. A name of ours is refused: nobody could tell which is meant.
    pub(super) fn of(root: &Node, problems: &mut Problems) -> Self {
        let Some(node) = root.get("presets") else { return Self::default() };
        // What is no text is told by whoever reads the key.
        let Some(directory) = node.text().map(PathBuf::from) else { return Self::default() };
        let at = At::new("presets", &node.place);
        let files = match std::fs::read_dir(&directory) {
            Ok(files) => files,
            Err(error) => {
                problems.error(&at, format!("{}: {error}", directory.display()), "a directory of presets");
                return Self { unreadable: true, ..Self::default() };
            }
        };
        let name = |file: std::fs::DirEntry| file.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned);
        let mut its: Vec<String> = files.flatten().filter_map(name).collect();
        its.sort();
        let shipped = names();
        for name in its.iter().filter(|name| shipped.contains(name)) {
            problems.error(&at, format!("{name}.yaml, which is also a preset of hookgate"), "another name");
        }
        Self { directory, names: its, unreadable: false }
    }

    /// In order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// None where there is no such file, or it is broken, which `problems` then says.
    pub(super) fn read(&self, name: &str, problems: &mut Problems) -> Option<Preset> {
        if !self.names.iter().any(|own| own == name) {
            return None;
        }
        let path = self.directory.join(format!("{name}.yaml"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                problems.error(&At::default(), format!("{}: {error}", path.display()), "a preset that can be read");
                return None;
            }
        };
        if text.len() > BYTES_MAX {
            problems.error(&At::default(), format!("{}: {} bytes", path.display(), text.len()), "at most 1 MiB");
            return None;
        }
        decode(&Document::new(path.display().to_string(), text), problems)
    }
}
