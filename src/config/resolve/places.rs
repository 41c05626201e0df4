//! Where the credentials and signatures of a block come: never carried, and cut out of what is.

use http::HeaderName;

use crate::locate::Expr;
use crate::signature::scheme::{self, Kind};

/// The headers in which a block's credentials or signatures come.
pub(super) fn credential_headers(block: &scheme::Block, into: &mut Vec<HeaderName>) {
    match &block.kind {
        Kind::Header { name, .. } => into.push(name.clone()),
        Kind::Basic => into.push(http::header::AUTHORIZATION),
        kind => kind.signed().into_iter().flat_map(|signed| &signed.signature).for_each(|e| headers_of(e, into)),
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_headers(block, into);
        }
    }
}

fn headers_of(expression: &Expr, into: &mut Vec<HeaderName>) {
    match expression {
        Expr::Header(name) => into.push(name.clone()),
        Expr::First(expressions) => expressions.iter().for_each(|expression| headers_of(expression, into)),
        Expr::StartsWith(expression, _) => headers_of(expression, into),
        Expr::Composite(parts) => parts.iter().for_each(|part| headers_of(&part.expr, into)),
        _ => {}
    }
}

/// The query parameters in which a block's credentials or signatures come.
pub(super) fn credential_parameters(block: &scheme::Block, into: &mut Vec<String>) {
    match &block.kind {
        Kind::Query(name) => into.push(name.clone()),
        kind => {
            let query = |e: &Expr| if let Expr::Query(name) = e { Some(name.clone()) } else { None };
            into.extend(kind.signed().into_iter().flat_map(|signed| &signed.signature).filter_map(query));
        }
    }
    for check in &block.checks {
        if let scheme::Check::Block(block) = check {
            credential_parameters(block, into);
        }
    }
}
