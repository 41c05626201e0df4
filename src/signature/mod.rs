//! How a source proves itself: schemes as data, one gate that compares, and the sender's side of it.

pub mod gate;
pub mod scheme;

pub use gate::{Authentic, Demands, Denial, Denied, Gate, Proof, Subject};
