//! What a run has reached.

/// How often a run has been where it is to be: a model that never gets there proves nothing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Reached {
    pub(super) told: u64,
    pub(super) faults: u64,
    pub(super) restarts: u64,
    pub(super) refused_openings: u64,
    pub(super) recycled: u64,
    pub(super) poisoned: u64,
    pub(super) torn: u64,
    pub(super) full: u64,
    /// Lives in which the log went through more segments than the spool may have at once.
    pub(super) wrapped: u64,
    pub(super) set_aside: u64,
}

impl Reached {
    pub(super) fn add(&mut self, other: Self) {
        let Self { told, faults, restarts, refused_openings, recycled, poisoned, torn, full, wrapped, set_aside } =
            other;
        self.told += told;
        self.faults += faults;
        self.restarts += restarts;
        self.refused_openings += refused_openings;
        self.recycled += recycled;
        self.poisoned += poisoned;
        self.torn += torn;
        self.full += full;
        self.wrapped += wrapped;
        self.set_aside += set_aside;
    }
}
