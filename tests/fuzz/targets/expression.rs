//! Expressions as an operator writes them.

use hookgate::locate::{Composite, Expr};
use hookgate::signature::scheme::Part;

pub(super) fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(expr) = Expr::parse(text) {
        assert_eq!(Expr::parse(&expr.to_string()).as_ref(), Ok(&expr), "{text:?}");
    }
    if let Ok(part) = Composite::parse(text) {
        assert_eq!(Composite::parse(&part.to_string()).as_ref(), Ok(&part), "{text:?}");
    }
    if let Ok(part) = Part::parse(text) {
        assert!(!part.optional || text.ends_with('?'), "{text:?}");
    }
}
