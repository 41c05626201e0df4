//! What can be wrong with the keys of a source before the first request comes.

use crate::signature::{Demands, Gate, GateError, ReplyError};

/// Why a source cannot be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Its gate, or that of a handshake.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// What a handshake is to sign with.
    #[error("handshake: {0}")]
    Reply(#[from] ReplyError),
}

/// Prepares a gate.
pub(super) fn gate(demands: Demands) -> Result<Gate, Vec<SourceError>> {
    Gate::new(demands).map_err(|errors| errors.into_iter().map(SourceError::from).collect())
}
