//! A source for every preset, with a secret of the form that it takes; and what signs for it.

use std::fs;
use std::path::{Path, PathBuf};

/// The text of a file of this repository.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The lines of a preset that say something to the program.
fn recipe(preset: &str) -> Vec<String> {
    let text = file(&format!("src/presets/{preset}.yaml"));
    text.lines().filter(|line| !line.trim_start().starts_with('#')).map(str::to_owned).collect()
}

/// The names of all presets, in order.
pub(crate) fn presets() -> Vec<String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/presets")).expect("it is there");
    let files: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(|path| path.is_file()).collect();
    let mut names: Vec<String> = files.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

/// A source of that preset, named as it, on one line.
pub(crate) fn source(preset: &str) -> String {
    let recipe = recipe(preset);
    let says = |text: &str| recipe.iter().any(|line| line.contains(text));
    let secret = match key(preset, "pub.pem") {
        Some(public) => public,
        None if says("require: whsec_") => "whsec_YS1zZWNyZXQtb2YtdGhlLXByZXNldHMtdGVzdA==".to_owned(),
        None if says("decode: base64") => "YS1zZWNyZXQtb2YtdGhlLXByZXNldHMtdGVzdA==".to_owned(),
        None if says("decode: hex") => "612d7365637265742d6f662d7468652d707265736574732d74657374".to_owned(),
        None if says("basic") => "hooks:a-secret-of-the-presets-test".to_owned(),
        None => "a-secret-of-the-presets-test".to_owned(),
    };
    format!("{preset}: {{ preset: {preset}, secret: {} }}\n", serde_json::Value::from(secret))
}

/// What signs for a preset that has a public key; none where its secret does.
pub(crate) fn private_key(preset: &str) -> Option<String> {
    key(preset, "pem")
}

/// Half of a pair that is nobody's, as the preset wants it written: PEM, or what stands between its lines.
fn key(preset: &str, half: &str) -> Option<String> {
    let recipe = recipe(preset);
    let is_public = |line: &String| Some(line.split_once("public_key: ")?.1.split([',', ' ', '}']).next()?.to_owned());
    // Where an HMAC will do as well, it is easier.
    let algorithm = recipe.iter().find_map(is_public).filter(|_| !recipe.iter().any(|line| line.contains("hmac:")))?;
    let pem = file(&format!("tests/it/keys/{algorithm}.{half}"));
    let bare = || pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    Some(if recipe.iter().any(|line| line.contains("decode: base64")) { bare() } else { pem })
}

/// Whether a delivery of an hour ago is refused: one with a time that `send` writes, and no longer window. Of several
/// blocks `send` signs for the first.
pub(crate) fn is_timed(preset: &str) -> bool {
    let says =
        |line: &String| line.contains("timestamp: {") && !line.contains("past:") && !line.contains("from: json:");
    let blocks = |line: &&str| line.trim_start().starts_with("- name:") || line.trim_start().starts_with("- { name:");
    let recipe = recipe(preset);
    let second = recipe.iter().enumerate().filter(|(_, line)| blocks(&line.as_str())).nth(1);
    let end = second.map_or(recipe.len(), |(index, _)| index);
    recipe.iter().take(end).any(says)
}
