//! A source that learns its secret from the sender: what it needs, and what it has learned already.

use std::path::PathBuf;

use crate::config::decode::Block as _;
use crate::config::file::handshake::{Handshake, HandshakeAuth, Kind};
use crate::config::file::source::Source;
use crate::config::problem::{At, Problems};
use crate::config::resolve::auth::Blocks;
use crate::config::resolve::whole::{Disk, Whole};
use crate::secret::{self, Secret};
use crate::signature::scheme::Allow;

/// What a source has learned.
#[derive(Debug, Default)]
pub(super) struct Learning {
    /// Where it is kept; none without a directory, and of sources that learn nothing.
    pub(super) file: Option<PathBuf>,
    pub(super) learned: Vec<Secret>,
}

/// The handshakes that learn.
fn lessons(source: &Source) -> impl Iterator<Item = &Handshake> {
    source.handshake.0.iter().filter(|handshake| *handshake.kind == Kind::Learn)
}

/// Whether a source may begin without a secret.
pub(super) fn may_learn(source: &Source) -> bool {
    lessons(source).next().is_some()
}

/// Resolves it. `at` is where the source stands, `has_secrets` says whether some are configured.
pub(super) fn resolve(
    name: &str,
    source: &Source,
    at: &At,
    (blocks, has_secrets): (&Blocks, bool),
    whole: &Whole<'_>,
    problems: &mut Problems,
) -> Learning {
    let Some(first) = lessons(source).next() else { return Learning::default() };
    for lesson in lessons(source) {
        check(lesson, has_secrets, problems);
    }
    if !blocks.need_secrets() && source.auth.sound && !blocks.blocks.is_empty() {
        let expected = "a block of `auth` that takes the source's secrets: one without secrets of its own";
        problems.error(&first.kind.at, "`learn_secret`, and nothing that could use what is learned", expected);
    }
    let Some(dir) = &whole.spool_dir else {
        // With a secret of its own, as where a preset brings the lesson, it works without: it just never learns.
        if whole.check_surroundings && !has_secrets {
            let expected = "`spool.dir` on a durable volume: what is learned is kept there";
            problems.error(&first.kind.at, "`learn_secret`, and no `spool.dir`", expected);
        }
        return Learning::default();
    };
    if whole.disk == Disk::Scratch {
        let expected = "a durable `spool.dir`: what is learned is lost with a scratch directory";
        problems.warn(&first.kind.at, "`learn_secret`, and `spool.scratch`", expected);
    }
    let file = dir.join(format!("{name}.learned"));
    let learned = secret::read_list(&file).unwrap_or_else(|error| {
        if whole.check_surroundings {
            problems.error(&first.kind.at, error.to_string(), "a file that the gateway can read");
        }
        Vec::new()
    });
    if learned.is_empty() && !has_secrets && whole.check_surroundings {
        let expected = format!("`hookgate learn {name}`, once the gateway runs: until then every delivery is refused");
        problems.warn(at, "no secret, and none learned yet", expected);
    }
    Learning { file: Some(file), learned }
}

fn check(lesson: &Handshake, has_secrets: bool, problems: &mut Problems) {
    if *lesson.allow == Allow::Text {
        let expected = "`token` or `hex`: what is learned is kept a line each";
        problems.error(&lesson.allow.at, "`text`", expected);
    }
    if matches!(*lesson.auth, HandshakeAuth::Same) && lesson.auth.sound && !has_secrets {
        let at = if lesson.auth.given { &lesson.auth.at } else { lesson.at() };
        let expected = "`auth: none`; only the window of `hookgate learn` stands before it then";
        problems.error(at, "a secret that is learned only from who proves to have one", expected);
    }
}
