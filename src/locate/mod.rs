//! Where a value is: the expressions of the scheme language, and how they are evaluated against a request.
//!
//! Pure: no I/O, no clock, no DOM. JSON is walked with an early stop, and what is found is a slice of the bytes that came
//! wherever it can be. Nothing here panics or recurses on what a stranger sends.

mod expr;
mod parse;
mod request;
mod scope;

mod batch;
mod json;
mod pairs;
mod xml;

mod place;

#[cfg(test)]
mod tests;

pub use batch::{ELEMENTS_MAX, Element, Elements, elements};
pub use expr::{Batch, Composite, Expr, ExprError, Pointer};
pub use pairs::{PAIRS_MAX, Pair, is_endless, pairs};
pub use parse::split_optional;
pub use place::places;
pub use request::Request;
pub use scope::{Scope, Value, content_hash};
