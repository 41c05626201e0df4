//! The forwarder's side: what comes next, out of memory or, where it is behind, from disk.

use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;

use super::core::Core;
use super::limits::GATHER;
use super::outlet::{Item, Outlet};
use super::{hold, reader};

impl Core {
    /// Takes what is there for the forwarder; waits up to `wait` for it. False: closed, and nothing is left in memory.
    pub(super) fn take(&self, into: &mut Vec<Item>, wait: Duration) -> bool {
        let mut outlet = hold(&self.outlet);
        if !outlet.closed && !outlet.has_any() {
            outlet.sleepers += 1;
            let idle = |outlet: &mut Outlet| !outlet.closed && !outlet.has_any();
            outlet = wait_while(&self.ready, outlet, wait, idle);
            // Nobody waits for what is on disk already: taken in handfuls, it costs a fraction of the wake-ups.
            outlet.gathering = true;
            outlet = wait_while(&self.ready, outlet, wait.min(GATHER), |outlet| outlet.may_gather());
            outlet.gathering = false;
            outlet.sleepers -= 1;
        }
        let before = into.len();
        outlet.pick(self.limits.take_parcels, into);
        let more = !outlet.closed || into.len() > before || outlet.has_in_memory();
        let behind = !outlet.closed && !outlet.has_in_memory() && outlet.has_any();
        drop(outlet);
        if behind && into.len() - before < self.limits.take_parcels {
            reader::read_waiting(self, before + self.limits.take_parcels, into);
        }
        // Not under the lock.
        into.iter_mut().skip(before).for_each(Item::own);
        more
    }
}

/// A lock that a panicked thread left is taken all the same, as in [`hold`].
fn wait_while<'a>(
    condvar: &Condvar,
    outlet: MutexGuard<'a, Outlet>,
    limit: Duration,
    condition: impl FnMut(&mut Outlet) -> bool,
) -> MutexGuard<'a, Outlet> {
    condvar.wait_timeout_while(outlet, limit, condition).unwrap_or_else(PoisonError::into_inner).0
}
