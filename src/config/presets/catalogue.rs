//! The catalogue of presets, for people.

use crate::config::presets::bare::in_the_catalogue;
use crate::config::presets::{Preset, file, names, read, unknown};
use crate::config::problem::{At, Problems};
use crate::config::tree::{Node, Value};
use crate::ingest::source::Settings;

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
    /// The kinds of its handshakes, in their order.
    pub handshakes: Vec<String>,
    /// The claims of its tokens that a user has to say, since they are that user's own.
    pub open_claims: Vec<String>,
    /// What a source of it is, with stand-ins for its secrets and its address.
    pub settings: Settings,
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
        let Some(Preset { about, node }) = read(preset, &mut problems) else {
            if problems.is_empty() {
                unknown(&At::default(), preset, &[], &mut problems);
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
            handshakes: node.get("handshake").map(kinds).unwrap_or_default(),
            open_claims: node.get("auth").and_then(|auth| auth.get("claims")).map(open).unwrap_or_default(),
            settings: in_the_catalogue(preset)?,
        })
    }
}

/// What is left empty.
fn open(claims: &Node) -> Vec<String> {
    let open = claims.entries().iter().filter(|claim| matches!(claim.node.value, Value::Null));
    open.map(|claim| claim.key.clone()).collect()
}

/// `handshake` is one or a list.
fn kinds(handshake: &Node) -> Vec<String> {
    let kind = |one: &Node| one.get("kind").and_then(Node::text).map(str::to_owned);
    match &handshake.value {
        Value::List(many) => many.iter().filter_map(kind).collect(),
        _ => kind(handshake).into_iter().collect(),
    }
}
