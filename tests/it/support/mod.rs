//! What the tests are written with; `tests/bench` uses it too.

pub(crate) mod catalogue;
pub(crate) mod client;
pub(crate) mod front;
pub(crate) mod gateway;
pub(crate) mod kafka;
pub(crate) mod limit;
pub(crate) mod load;
pub(crate) mod metrics;
pub(crate) mod port;
pub(crate) mod process;
pub(crate) mod promise;
pub(crate) mod said;
pub(crate) mod scratch;
pub(crate) mod setup;
pub(crate) mod sign;
