//! How a source proves itself: its blocks, its secrets, and what follows from them for the rest of it.

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};

use crate::config::decode::Placed;
use crate::config::file::source::Source;
use crate::config::presets;
use crate::config::problem::{At, Problems};
use crate::config::resolve::auth::{self, Blocks};
use crate::config::resolve::secrets::{Files, Found, keys};
use crate::config::resolve::whole::Whole;
use crate::config::resolve::{learning, path, places, source_keys, url};
use crate::ingest::source::{Handshake, HandshakeAuth};
use crate::signature::Demands;
use crate::signature::scheme::{Check, Kind};

/// The proof of a source.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) blocks: Blocks,
    pub(super) secrets: Vec<Found>,
    pub(super) path_has_secret: bool,
    pub(super) public_url: Option<String>,
    /// Secrets are the true ones, and looked at.
    pub(super) check_keys: bool,
}

impl Proven {
    /// Resolves `auth` and the secrets. A source proves itself, or says that it does not.
    pub(super) fn of(
        source: &Placed<Source>,
        path: &str,
        whole: &Whole<'_>,
        files: &mut Files,
        problems: &mut Problems,
    ) -> Self {
        let (at, source) = (&source.at, &source.value);
        let path_has_secret = path::has_secret(path);
        let public_url = url::public_url(&source.public_url, problems).or_else(|| whole.public_url.clone());
        let secrets = keys!(source).read(files, problems);
        let check_keys = whole.check_keys;
        let mut proven = Self { blocks: Blocks::default(), secrets, path_has_secret, public_url, check_keys };
        match &*source.auth {
            Some(auth) => proven.blocks = auth::blocks(auth, path_has_secret, files, problems),
            None if source.auth.given || names_an_unknown_preset(source) => return proven,
            None => {
                problems.error(at, "no way to authenticate", "a `preset`, or `auth`; `auth: none` lets anyone in");
                return proven;
            }
        }
        proven.check(source, at, problems);
        if !whole.trusts_proxies {
            proven.refuse_certificates(problems);
        }
        proven
    }

    fn check(&self, source: &Source, at: &At, problems: &mut Problems) {
        for (block, (at, _)) in self.blocks.blocks.iter().zip(&self.blocks.origins) {
            match &block.kind {
                Kind::None => {
                    let expected = "a way to authenticate: anyone can send events to this source";
                    problems.warn(at, "`auth: none`", expected);
                }
                Kind::Form(_) | Kind::Json(_) => {
                    let expected = "one in a header: a body is never altered, and readers of the topic can see it";
                    problems.warn(at, "a credential in the body", expected);
                }
                _ => {}
            }
        }
        let in_path = self.blocks.blocks.iter().any(|block| matches!(block.kind, Kind::Path));
        if self.path_has_secret && source.auth.sound && !in_path {
            problems.error(&source.path.at, "`{secret}` in the path, and no `auth` that looks there", "`auth: path`");
        }
        if self.blocks.need_secrets() && !keys!(source).given() && !learning::may_learn(source) {
            let expected = "`secret`, `secrets`, `secret_file` or `secret_files`";
            let hint = if source.preset.given { "; `hookgate presets show` says what to fill in" } else { "" };
            problems.error(at, "no secret", format!("{expected}{hint}"));
        }
        self.check_basic(problems);
    }

    /// Anybody can send a header; a certificate in one counts only where a proxy is known to have put it there.
    fn refuse_certificates(&self, problems: &mut Problems) {
        for (block, (at, _)) in self.blocks.blocks.iter().zip(&self.blocks.origins) {
            if block.checks.iter().any(|check| matches!(check, Check::ClientCertificate { .. })) {
                let expected = "`server.trusted_proxies`: the networks of the proxy that sets the header";
                problems.error(at, "a client certificate in a header, and no trusted proxy", expected);
            }
        }
    }

    fn check_basic(&self, problems: &mut Problems) {
        let only_basic = self.blocks.blocks.iter().all(|block| matches!(block.kind, Kind::Basic));
        for (block, (_, own)) in self.blocks.blocks.iter().zip(&self.blocks.origins) {
            let tried = if own.is_empty() && only_basic { &self.secrets } else { own };
            for Found { secret, at } in tried.iter().filter(|_| matches!(block.kind, Kind::Basic)) {
                if !secret.expose().contains(&b':') {
                    problems.error(at, "a secret without a colon", "user:password, both in one text");
                }
            }
        }
    }

    /// What the gate demands.
    pub(super) fn demands(&self, source: &Source, handshakes: &[Handshake]) -> Demands {
        let stranger = |handshake: &&Handshake| handshake.mac.is_some() && !is_of_source(handshake);
        Demands {
            batch: (*source.batch).clone(),
            signs_for_strangers: handshakes.iter().filter(stranger).map(|handshake| handshake.allow).collect(),
            ..demands(&self.blocks, &self.secrets, self.public_url.clone())
        }
    }

    /// Looks at every secret, once there is nothing else to be said about them.
    pub(super) fn check_keys(&self, demands: &Demands, at: &At, problems: &mut Problems) {
        source_keys::check(demands, &self.blocks, &self.secrets, at, problems);
    }
}

/// Whoever has a credential of the handshake alone is a stranger to the deliveries.
const fn is_of_source(handshake: &Handshake) -> bool {
    matches!(handshake.auth, HandshakeAuth::Same)
}

/// An unknown preset has been reported; what it would have brought is not missing.
fn names_an_unknown_preset(source: &Source) -> bool {
    source.preset.as_ref().is_some_and(|preset| !presets::names().contains(preset))
}

/// Demands of these blocks and secrets, and of nothing else.
pub(super) fn demands(blocks: &Blocks, secrets: &[Found], public_url: Option<String>) -> Demands {
    Demands {
        blocks: blocks.blocks.clone(),
        secrets: secrets.iter().map(|found| found.secret.clone()).collect(),
        learned: Vec::new(),
        public_url,
        batch: None,
        signs_for_strangers: Vec::new(),
    }
}

/// Refuses listed headers that hold a credential, a signature or a cookie.
pub(super) fn refuse_credentials(headers: &[Placed<HeaderName>], proofs: &[&Demands], problems: &mut Problems) {
    let mut credentials = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];
    let blocks = proofs.iter().flat_map(|demands| &demands.blocks);
    blocks.for_each(|block| places::credential_headers(block, &mut credentials));
    for Placed { value: header, at } in headers {
        if credentials.contains(header) {
            let expected = "headers that hold no credential or signature: those are never carried";
            problems.error(at, format!("`{header}`"), expected);
        }
    }
}

/// The query parameters that hold a credential, in order.
pub(super) fn credential_parameters(proofs: &[&Demands]) -> Vec<String> {
    let mut parameters = Vec::new();
    let blocks = proofs.iter().flat_map(|demands| &demands.blocks);
    blocks.for_each(|block| places::credential_parameters(block, &mut parameters));
    parameters.sort();
    parameters.dedup();
    parameters
}
