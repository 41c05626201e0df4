//! What the user typed: every key, its type, its default and its meaning. No logic; that is `resolve`'s.

pub(crate) mod auth;
pub(crate) mod gateway;
pub(crate) mod handshake;
pub(crate) mod locate;
pub(crate) mod scalars;
pub(crate) mod source;
pub(crate) mod token;
