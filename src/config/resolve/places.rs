//! Where the credentials and signatures of a block come: never carried, and cut out of what is.

use http::HeaderName;

use crate::ingest::source::{Handshake, Settings};
use crate::locate::Expr;
use crate::signature::scheme::{self, Kind};

/// The headers in which a block's credentials or signatures come.
pub(super) fn credential_headers(block: &scheme::Block, into: &mut Vec<HeaderName>) {
    match &block.kind {
        Kind::Header { name, .. } => into.push(name.clone()),
        Kind::Basic => into.push(http::header::AUTHORIZATION),
        kind => each_signature(kind, &mut |expression| {
            if let Expr::Header(name) = expression {
                into.push(name.clone());
            }
        }),
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_headers(block, into);
        }
    }
}

/// The query parameters in which a block's credentials or signatures come.
pub(super) fn credential_parameters(block: &scheme::Block, into: &mut Vec<String>) {
    match &block.kind {
        Kind::Query(name) => into.push(name.clone()),
        kind => each_signature(kind, &mut |expression| {
            if let Expr::Query(name) = expression {
                into.push(name.clone());
            }
        }),
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_parameters(block, into);
        }
    }
}

/// The headers in which a proxy says which client certificate it saw, of all that proves anything; each once.
pub(super) fn proxy_headers<'s>(sources: impl Iterator<Item = &'s Settings>) -> Vec<HeaderName> {
    let mut headers = Vec::new();
    for source in sources {
        let own = source.handshakes.iter().filter_map(Handshake::own_demands);
        let blocks = std::iter::once(&source.demands).chain(own).flat_map(|demands| &demands.blocks);
        headers.extend(blocks.flat_map(|block| &block.checks).filter_map(|check| match check {
            scheme::Check::ClientCertificate { header, .. } => Some(header.clone()),
            _ => None,
        }));
    }
    headers.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    headers.dedup();
    headers
}

/// Looks at the place of every signature, also of those that are one of several.
fn each_signature(kind: &Kind, look: &mut impl FnMut(&Expr)) {
    if let Kind::Jws(jws) = kind {
        each_part(&jws.token, look);
    }
    kind.signed().into_iter().flat_map(|signed| &signed.signature).for_each(|expression| each_part(expression, look));
}

fn each_part(expression: &Expr, look: &mut impl FnMut(&Expr)) {
    look(expression);
    match expression {
        Expr::First(expressions) => expressions.iter().for_each(|expression| each_part(expression, look)),
        Expr::StartsWith(expression, _) => each_part(expression, look),
        Expr::Composite(parts) => parts.iter().for_each(|part| each_part(&part.expr, look)),
        _ => {}
    }
}
