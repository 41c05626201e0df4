//! A preset's file, and the block of a configuration that uses it.

use std::io::{self, Write};

use super::facts;
use crate::config::PresetInfo;

/// Both as YAML documents of their own: the first is what we ship, the second is for the user's file.
pub(super) fn print(preset: &PresetInfo, out: &mut dyn Write) -> io::Result<()> {
    let name = &preset.preset;
    writeln!(out, "# src/presets/{name}.yaml: what `preset: {name}` stands for. Keys of yours lie over it.")?;
    writeln!(out, "{}", preset.text.trim_end())?;
    writeln!(out, "---\n# For your hookgate.yaml; the sender is told <public_url>/in/{name}.")?;
    if facts::signs_url(preset) {
        writeln!(out, "public_url: https://hooks.example.com   # signed: exactly as it is registered with the sender")?;
    }
    writeln!(out, "sources:\n  {name}:\n    preset: {name}")?;
    if facts::needs_path(preset) {
        writeln!(
            out,
            "    path: '/in/{name}/{{secret}}'   # the secret is this segment of the URL that the sender is told"
        )?;
    }
    writeln!(out, "    # {}\n    # {}", preset.secret, preset.docs)?;
    if !preset.open_claims.is_empty() {
        let said = |claim: &String| format!("{claim}: \"${{{}}}\"", variable_of(name, claim));
        let claims: Vec<String> = preset.open_claims.iter().map(said).collect();
        writeln!(out, "    auth: {{ claims: {{ {} }} }}", claims.join(", "))?;
    }
    if facts::fetches_keys(preset) {
        return Ok(());
    }
    writeln!(out, "    secret: ${{{}}}", variable(name))
}

/// `standard-webhooks` → `STANDARD_WEBHOOKS_SECRET`; of a name that begins with a digit an underscore is first.
pub(super) fn variable(name: &str) -> String {
    variable_of(name, "secret")
}

fn variable_of(name: &str, what: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let start = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    let upper = |text: &str| text.chars().map(plain).collect::<String>();
    format!("{start}{}_{}", upper(name), upper(what))
}
