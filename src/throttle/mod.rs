//! What may be done how often, and how much at once.
//!
//! Nothing here waits or queues: each limit says at once whether there is room, and where time heals, how long that
//! takes. Each has a fixed size, however many strangers come.

mod address;
mod budget;
mod failed_auth;
mod in_flight;
mod lines;
mod pace;
mod rate;

pub use address::{ClientAddress, Counted};
pub use budget::{Budget, BudgetSpent, Held};
pub use failed_auth::FailedAuth;
pub use in_flight::{InFlight, Inside, TooManyAtOnce};
pub use lines::LineLimit;
pub use pace::{Pace, TooSlow};
pub use rate::{RateLimit, TooOften};

use crate::units::{ByteSize, Rate};

/// What the operator sets for the whole gateway.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `server.body_budget`: all bodies in memory at once.
    pub body_budget: ByteSize,
    /// `server.failed_auth`, per address; none: off.
    pub failed_auth: Option<Rate>,
}

/// What the operator sets for one source.
#[derive(Debug, Clone)]
pub struct SourceLimits {
    /// `limits.body`
    pub body: ByteSize,
    /// `limits.rate`; none: unlimited.
    pub rate: Option<Rate>,
    /// `limits.in_flight`
    pub in_flight: usize,
}
