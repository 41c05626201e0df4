//! Presets: blocks of a source in files of our own, embedded in the binary, and in those of an operator's directory. They
//! are read by the code that reads a user's.

use std::sync::Arc;

use rust_embed::RustEmbed;

use crate::config::decode::Decode;
use crate::config::file::source::About;
use crate::config::place::Document;
use crate::config::problem::{At, Problems};
use crate::config::tree::{Node, Value};

mod bare;
mod catalogue;
mod laying;
mod own;

pub use bare::preset_source;
pub use catalogue::PresetInfo;
pub(crate) use laying::lay_under_sources;

#[derive(RustEmbed)]
#[folder = "src/presets/"]
struct Files;

/// A preset, as it stands in its file.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) about: About,
    pub(crate) node: Node,
}

/// The text of an embedded file.
pub(crate) fn file(path: &str) -> Option<String> {
    Files::get(path).and_then(|file| String::from_utf8(file.data.into_owned()).ok())
}

/// The embedded files directly in a directory (with its slash), without their `.yaml`; in order.
pub(crate) fn files(directory: &str) -> Vec<String> {
    let name = |path: &str| {
        let name = path.strip_prefix(directory)?.strip_suffix(".yaml")?;
        (!name.contains('/')).then(|| name.to_owned())
    };
    let mut names: Vec<String> = Files::iter().filter_map(|path| name(&path)).collect();
    names.sort();
    names
}

/// The directories under one (with its slash).
#[cfg(test)]
pub(crate) fn directories(above: &str) -> std::collections::BTreeSet<String> {
    let name = |path: &str| Some(path.strip_prefix(above)?.split_once('/')?.0.to_owned());
    Files::iter().filter_map(|path| name(&path)).collect()
}

/// All names, in order.
pub(crate) fn names() -> Vec<String> {
    files("")
}

/// Reads a preset of ours; none where there is no such one, or its file is broken, which `problems` then says.
pub(crate) fn read(name: &str, problems: &mut Problems) -> Option<Preset> {
    let text = names().iter().any(|known| known == name).then(|| file(&format!("{name}.yaml"))).flatten()?;
    decode(&Document::new(format!("presets/{name}.yaml"), text), problems)
}

fn decode(document: &Arc<Document>, problems: &mut Problems) -> Option<Preset> {
    let mut node = Node::read(document, None, problems)?;
    let at = At::new("", &node.place);
    let Value::Map(entries) = &mut node.value else {
        problems.error(&at, node.shown(), "a preset: `about` and the keys of a source");
        return None;
    };
    let Some(index) = entries.iter().position(|entry| entry.key == "about") else {
        problems.error(&at, "no `about`", "it, with `name`, `docs` and `secret`");
        return None;
    };
    let about = entries.remove(index);
    let about = About::decode(&about.node, &At::new("about", &about.place), problems)?;
    Some(Preset { about, node })
}

fn unknown(at: &At, name: &str, own: &[String], problems: &mut Problems) {
    let known = [names().as_slice(), own].concat();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut expected = "one of the catalogue (`hookgate presets list`)".to_owned();
    for name in own {
        expected.extend([" or `", name, "`"]);
    }
    problems.unlisted(at, "preset", name, &known, expected);
}
