//! Presets: blocks of a source in files of our own, embedded in the binary, and how a user's keys lie over them.
//!
//! Maps are laid over key by key; scalars, lists and expressions are replaced. An `auth` that names a kind replaces the
//! preset's whole, and so does a `handshake` with a `kind`; without one they are merged, so that a tolerance or a
//! secret can be set alone. `~` takes a key of the preset away.

use rust_embed::RustEmbed;

use crate::config::decode::Decode;
use crate::config::file::auth::KINDS;
use crate::config::file::locate::is_expression_map;
use crate::config::file::source::About;
use crate::config::parse;
use crate::config::place::Document;
use crate::config::problem::{At, Problems};
use crate::config::tree::{Entry, Node, Value};
use crate::ingest::source;
use crate::secret::Secret;
use crate::signature::Gate;

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

/// All names, in order.
pub(crate) fn names() -> Vec<String> {
    files("")
}

/// Reads a preset; none where there is no such one, or its file is broken, which `problems` then says.
pub(crate) fn read(name: &str, problems: &mut Problems) -> Option<Preset> {
    let text = names().iter().any(|known| known == name).then(|| file(&format!("{name}.yaml"))).flatten()?;
    let mut node = Node::read(&Document::new(format!("presets/{name}.yaml"), text), None, problems)?;
    let Value::Map(entries) = &mut node.value else { return None };
    let about = entries.iter().position(|entry| entry.key == "about").map(|index| entries.remove(index))?;
    let about = About::decode(&about.node, &At::new("about", &about.place), problems)?;
    Some(Preset { about, node })
}

/// Lays every source of a whole configuration over the preset that it names.
pub(crate) fn lay_under_sources(root: &mut Node, problems: &mut Problems) {
    let Value::Map(entries) = &mut root.value else { return };
    let Some(sources) = entries.iter_mut().find(|entry| entry.key == "sources") else { return };
    let Value::Map(sources) = &mut sources.node.value else { return };
    for Entry { key, node, .. } in sources {
        let Some(preset) = node.get("preset") else { continue };
        let at = At::new(format!("sources.{key}.preset"), &preset.place);
        let Some(name) = preset.text() else { continue };
        match read(name, problems) {
            Some(preset) => *node = lay(preset.node, node),
            None => unknown(&at, name, problems),
        }
    }
}

/// What `presets list` says of a preset.
#[derive(Debug, Clone)]
pub struct PresetInfo {
    /// As `preset:` names it.
    pub preset: String,
    /// The provider's own name.
    pub name: String,
    /// Where the recipe comes from.
    pub docs: String,
    /// What to fill in as the secret, and where the provider shows it.
    pub secret: String,
    /// What has not been checked against a live account.
    pub unverified: Vec<String>,
    /// The whole file.
    pub text: String,
}

impl PresetInfo {
    /// All presets, in the order of their names.
    ///
    /// # Errors
    /// One cannot be read: a defect of this build.
    pub fn all() -> Result<Vec<Self>, Problems> {
        names().iter().map(|name| Self::of(name)).collect()
    }

    /// One preset.
    ///
    /// # Errors
    /// There is no such preset, with the one that was probably meant.
    pub fn of(preset: &str) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let Some(Preset { about, .. }) = read(preset, &mut problems) else {
            if problems.is_empty() {
                unknown(&At::default(), preset, &mut problems);
            }
            return Err(problems);
        };
        Ok(Self {
            preset: preset.to_owned(),
            name: about.name.clone(),
            docs: about.docs.clone(),
            secret: about.secret.clone(),
            unverified: about.unverified.clone(),
            text: file(&format!("{preset}.yaml")).unwrap_or_default(),
        })
    }
}

/// A source that is nothing but a preset and these secrets, as for `verify --preset`; `path` is where it is served.
///
/// # Errors
/// There is no such preset, or it needs more: a signature over the URL needs `public_url`.
pub fn preset_source(
    preset: &str,
    secrets: &[Secret],
    public_url: Option<&str>,
    path: &str,
) -> Result<source::Settings, Problems> {
    // A stand-in that every kind of `auth` takes; the true ones may be bytes that are no text.
    let secret = "stand-in:for-the-true-secrets";
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let url = public_url.map(|url| format!("public_url: {}\n", quoted(url))).unwrap_or_default();
    let text = format!(
        "kafka: {{ brokers: [none:0] }}\n{url}sources: {{ preset: {{ preset: {}, path: {}, secret: {secret} }} }}\n",
        quoted(preset),
        quoted(path),
    );
    let loaded = parse("preset", &text.replace("${", "$${"), &|_: &str| None, false)?;
    let mut settings = loaded.config.sources.into_iter().next().ok_or_else(Problems::default)?;
    settings.demands.secrets = secrets.to_vec();
    for handshake in &mut settings.handshakes {
        if let source::HandshakeAuth::Own(demands) = &mut handshake.auth
            && !demands.secrets.is_empty()
        {
            demands.secrets = secrets.to_vec();
        }
    }
    match Gate::new(settings.demands.clone()) {
        Ok(_) => Ok(settings),
        Err(errors) => {
            let mut problems = Problems::default();
            let said = errors.iter().map(|error| (error, At::default()));
            said.for_each(|(error, at)| problems.error(&at, error.to_string(), "a secret that this preset can use"));
            Err(problems)
        }
    }
}

fn unknown(at: &At, name: &str, problems: &mut Problems) {
    let known = names();
    problems.unknown(at, "preset", name, &known.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Keys of a source that hold an expression: replaced as a whole, map or not.
const EXPRESSIONS: [&str; 7] = ["id", "type", "key", "batch", "also", "from", "value"];

/// Lays `over` over `under`. What is over keeps its place in the user's file.
fn lay(under: Node, over: &Node) -> Node {
    let Node { place: _, value: Value::Map(mut entries) } = under else { return over.clone() };
    let Value::Map(changes) = &over.value else {
        return if over.is_null() {
            Node { place: over.place.clone(), value: Value::Map(entries) }
        } else {
            over.clone()
        };
    };
    for change in changes {
        match entries.iter_mut().find(|entry| entry.key == change.key) {
            Some(entry) => {
                entry.node = if replaces(&change.key, &change.node) {
                    change.node.clone()
                } else {
                    lay(entry.node.clone(), &change.node)
                };
                entry.place = change.place.clone();
            }
            None => entries.push(change.clone()),
        }
    }
    Node { place: over.place.clone(), value: Value::Map(entries) }
}

/// Whether the user's value stands instead of the preset's whole.
fn replaces(key: &str, over: &Node) -> bool {
    let has = |keys: &[&str]| over.entries().iter().any(|entry| keys.contains(&entry.key.as_str()));
    match key {
        _ if over.is_null() => true,
        "auth" => has(&KINDS),
        "handshake" => has(&["kind"]),
        key => EXPRESSIONS.contains(&key) || is_expression_map(over),
    }
}
