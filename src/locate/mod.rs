//! Where a value is: the expressions of the scheme language, and how they are evaluated against a request.
//!
//! Pure: no I/O, no clock, no DOM. JSON is walked with an early stop, and what is found is a slice of the bytes that came
//! wherever it can be.

mod expr;

pub use expr::{Batch, Composite, Expr, ExprError, Pointer};
mod request;

pub use request::Request;
