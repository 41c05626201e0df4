//! Secrets against blocks: what the gate says when it prepares its keys, told at the place of each secret.

use crate::config::problem::{At, Problems};
use crate::config::resolve::auth::Blocks;
use crate::config::resolve::secrets::Found;
use crate::signature::{BlockProblem, Demands, Gate, GateError, SecretAt};

/// Builds the gate of these demands for what it says, and lets it go. `at` is where the source stands.
pub(super) fn check(demands: &Demands, blocks: &Blocks, secrets: &[Found], at: &At, problems: &mut Problems) {
    let place = |secret: SecretAt| {
        let list = match secret.block {
            Some(block) => blocks.origins.get(block).map(|(_, own)| own.as_slice()),
            None => Some(secrets),
        };
        list.and_then(|list| list.get(secret.index)).map_or(at, |found| &found.at)
    };
    match Gate::new(demands.clone()) {
        Ok(gate) => {
            for weak in gate.weak_secrets() {
                problems.warn(
                    place(weak.at),
                    format!("a secret of {} bytes", weak.bytes),
                    "16 or more, made at random",
                );
            }
        }
        Err(errors) => {
            for error in errors {
                match error {
                    GateError::Secret { at, why } if at.block.is_none() && at.index >= secrets.len() => {
                        let line = at.index - secrets.len() + 1;
                        problems.refuse(place(at), format!("line {line} of what was learned cannot be used: {why}"));
                    }
                    GateError::Secret { at, why } => {
                        problems.refuse(place(at), format!("this secret cannot be used: {why}"));
                    }
                    GateError::Block { problem: BlockProblem::NoPublicUrl, .. } => {
                        let expected = "`public_url` of the source or the gateway: as the sender knows it, such as https://hooks.example.com";
                        problems.error(at, "a URL that is signed, and no `public_url`", expected);
                    }
                    GateError::Block { block, problem } => {
                        let at = blocks.origins.get(block).map_or(at, |(at, _)| at);
                        problems.refuse(at, format!("this block proves nothing: {problem}"));
                    }
                }
            }
        }
    }
}
