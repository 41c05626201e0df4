//! The rules: from what was typed to what the parts take. Every rule speaks for itself and none hides another.

use crate::config::decode::{Decode, Placed};
use crate::config::environment::Environment;
use crate::config::file::gateway::Gateway;
use crate::config::file::source::Source;
use crate::config::place::Document;
use crate::config::problem::{At, Problems};
use crate::config::tree::{Node, Value};
use crate::config::{Loaded, Purpose, presets};

mod auth;
mod checks;
mod gateway;
mod handshake;
mod hmac_reply;
mod identify;
mod kafka;
mod learning;
mod listener;
mod neighbours;
mod path;
mod places;
mod presented;
mod proof;
mod proven;
mod reply;
mod secrets;
mod source;
mod source_keys;
mod spool;
mod token;
mod url;
mod whole;

/// From a text to a configuration. None where nothing can be made of it.
pub(super) fn text(
    name: &str,
    text: &str,
    environment: &dyn Environment,
    purpose: Purpose,
    problems: &mut Problems,
) -> Option<Loaded> {
    let document = Document::new(name, text);
    let mut root = tree(&document, environment, problems)?;
    presets::lay_under_sources(&mut root, problems);
    let gateway = Gateway::decode(&root, &At::new("", &root.place), problems)?;
    let mut files = secrets::Files { on_trial: purpose == Purpose::StandIns, ..secrets::Files::default() };
    let config = gateway::resolve(&gateway, purpose, &mut files, problems)?;
    let preset = |(name, source): &(String, Placed<Source>)| Some((name.parse().ok()?, source.value.preset.clone()?));
    let presets = gateway.sources.0.iter().filter_map(preset).collect();
    Some(Loaded { config, warnings: Problems::default(), secret_files: files.read, presets })
}

/// An empty file is an empty map.
fn tree(document: &std::sync::Arc<Document>, environment: &dyn Environment, problems: &mut Problems) -> Option<Node> {
    let before = problems.errors();
    let root = Node::read(document, Some(environment), problems);
    match root {
        None if problems.errors() == before => {
            let place = crate::config::place::Place::new(
                document,
                saphyr_parser::Span::empty(saphyr_parser::Marker::new(0, 1, 0)),
            );
            Some(Node { place, value: Value::Map(Vec::new()) })
        }
        root => root,
    }
}
