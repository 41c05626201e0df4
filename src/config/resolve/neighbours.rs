//! Rules between sources.

use crate::config::problem::{At, Problems};
use crate::config::resolve::path;
use crate::ingest::source::Settings;
use crate::secret::Secret;
use crate::signature::Demands;

/// No request may be meant for two sources.
pub(super) fn check(sources: &[(Settings, &At)], problems: &mut Problems) {
    for (index, (source, at)) in sources.iter().enumerate() {
        let earlier = sources.iter().take(index);
        if let Some((other, _)) = earlier.into_iter().find(|(other, _)| path::overlap(&source.path, &other.path)) {
            let found =
                format!("the path `{}`, which is also that of `{}` (`{}`)", source.path, other.name, other.path);
            problems.error(&at.key("path"), found, "a path of its own");
        }
    }
}

/// What one source signs for strangers proves nothing to any other that has the same secret.
pub(super) fn distrust(sources: &mut [(Settings, &At)]) {
    let signs = |(source, _): &(Settings, &At)| {
        let allows = source.demands.signs_for_strangers.clone();
        (!allows.is_empty()).then(|| (secrets(&source.demands).cloned().collect::<Vec<_>>(), allows))
    };
    let signers: Vec<_> = sources.iter().filter_map(signs).collect();
    for (source, _) in sources {
        for (known, allows) in &signers {
            if secrets(&source.demands).any(|secret| known.contains(secret)) {
                let distrusted = &mut source.demands.signs_for_strangers;
                for allow in allows {
                    if !distrusted.contains(allow) {
                        distrusted.push(*allow);
                    }
                }
            }
        }
    }
}

fn secrets(demands: &Demands) -> impl Iterator<Item = &Secret> {
    demands.secrets.iter().chain(demands.blocks.iter().flat_map(|block| &block.secrets))
}
