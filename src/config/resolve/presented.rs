//! Where a credential is that is presented as it is: the keys of the kinds `header` to `basic`.

use crate::config::decode::Field;
use crate::config::file::locate::pointer;
use crate::config::problem::Problems;
use crate::locate::Expr;
use crate::signature::scheme::Kind;

pub(super) fn named(field: &Field<Option<String>>, problems: &mut Problems) -> Option<String> {
    let name = field.as_ref()?;
    if name.is_empty() {
        problems.error(&field.at, "an empty name", "the name of the parameter");
    }
    Some(name.clone())
}

pub(super) fn at_pointer(word: &str, field: &Field<Option<String>>, problems: &mut Problems) -> Option<Expr> {
    let text = field.as_ref()?;
    let expression = pointer(word, text).filter(|expression| matches!(expression, Expr::Json(_) | Expr::Item { .. }));
    if expression.is_none() {
        problems.error(&field.at, format!("`{text}`"), "a JSON pointer such as /auth/token");
    }
    expression
}

pub(super) fn truly(field: &Field<Option<bool>>, kind: Kind, problems: &mut Problems) -> Option<Kind> {
    if **field == Some(false) {
        problems.error(&field.at, "`false`", "`true`, or another kind");
        return None;
    }
    Some(kind)
}
