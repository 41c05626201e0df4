//! What the tests are written with; `tests/bench` uses it too.

pub(crate) mod client;
pub(crate) mod gateway;
pub(crate) mod kafka;
pub(crate) mod limit;
pub(crate) mod port;
pub(crate) mod process;
