//! What became of a record, and who is told.

use super::errors::Failure;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The partition.
    pub partition: i32,
    /// The offset in it; negative where a retry succeeded whose first answer was lost.
    pub offset: i64,
}

/// Who is told what became of a record.
pub trait Reports: Send + Sync {
    /// Called once for each record that was taken, on a thread of the producer: it must neither block nor panic.
    fn report(&self, opaque: usize, result: Result<Delivered, Failure>);
}
