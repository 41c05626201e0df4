//! The way in.

pub mod source;
