//! The private port.
