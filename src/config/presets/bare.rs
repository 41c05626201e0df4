//! A preset as a source of its own, without a user's file.

use crate::config::presets::{names, unknown};
use crate::config::problem::{At, Problems};
use crate::config::{Purpose, parse};
use crate::ingest::source::{HandshakeAuth, Settings};
use crate::secret::Secret;
use crate::signature::{BlockProblem, Gate, GateError};

/// A source that is nothing but a preset and these secrets, as for `verify --preset`; `path` is where it is served.
///
/// # Errors
/// There is no such preset, or it needs more: a signature over the URL needs `public_url`.
pub fn preset_source(
    preset: &str,
    secrets: &[Secret],
    public_url: Option<&str>,
    path: &str,
) -> Result<Settings, Problems> {
    if !names().iter().any(|known| known == preset) {
        let mut problems = Problems::default();
        unknown(&At::default(), preset, &[], &mut problems);
        return Err(problems);
    }
    let mut settings = stood_in(preset, public_url, path)?;
    settings.demands.secrets = secrets.to_vec();
    for handshake in &mut settings.handshakes {
        if let HandshakeAuth::Own(demands) = &mut handshake.auth
            && !demands.secrets.is_empty()
        {
            demands.secrets = secrets.to_vec();
        }
    }
    match Gate::new(settings.demands.clone()) {
        Ok(_) => Ok(settings),
        Err(errors) => {
            let mut problems = Problems::default();
            for error in errors {
                let (found, expected) = match error {
                    GateError::Block { problem: BlockProblem::NoPublicUrl, .. } => (
                        "a path, and a preset that signs the whole URL".to_owned(),
                        "the URL as it is registered with the provider: `--url https://…`",
                    ),
                    error => (error.to_string(), "a secret that this preset can use"),
                };
                problems.error(&At::default(), found, expected);
            }
            Err(problems)
        }
    }
}

/// What the catalogue shows of a preset: a source of it with every block that it has, for nobody to reach.
pub(super) fn in_the_catalogue(preset: &str) -> Result<Settings, Problems> {
    let shown = |path| stood_in(preset, Some("https://hooks.example.com"), path);
    shown("/in/preset/{secret}").or_else(|_| shown("/in/preset"))
}

/// The preset with a stand-in for its secrets that every kind of `auth` takes; the true ones may be bytes that are no text.
fn stood_in(preset: &str, public_url: Option<&str>, path: &str) -> Result<Settings, Problems> {
    let secret = "stand-in:for-the-true-secrets";
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let url = public_url.map(|url| format!("public_url: {}\n", quoted(url))).unwrap_or_default();
    let text = format!(
        "kafka: {{ brokers: [none:0] }}\n{url}sources: {{ preset: {{ preset: {}, path: {}, secret: {secret} }} }}\n",
        quoted(preset),
        quoted(path),
    );
    let loaded = parse("preset", &text.replace("${", "$${"), &|_: &str| None, Purpose::StandIns);
    let loaded = loaded.map_err(Problems::without_places)?;
    loaded.config.sources.into_iter().next().ok_or_else(Problems::default)
}
