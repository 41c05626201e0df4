//! The catalogue of presets, for people.

use crate::config::presets::{Preset, file, names, read, unknown};
use crate::config::problem::{At, Problems};

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
