//! One budget of memory for all bodies at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;

use crate::units::ByteSize;

/// Hands out memory for bodies until it is spent. Clones share it.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    bytes_max: u64,
    used: AtomicU64,
    /// `used`, as the operator sees it.
    gauge: Gauge,
}

/// The budget has no room for that now. The sender may try again: bodies leave as fast as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("server.body_budget is spent: too many bodies are in memory at once")]
pub struct BudgetSpent;

/// Memory that was handed out; dropping it gives it back.
#[derive(Debug)]
pub struct Held {
    account: Arc<Account>,
    bytes: u64,
}

impl Budget {
    /// `gauge` shows what is handed out.
    #[must_use]
    pub fn new(size: ByteSize, gauge: Gauge) -> Self {
        gauge.set(0);
        Self(Arc::new(Account { bytes_max: size.0, used: AtomicU64::new(0), gauge }))
    }

    /// Takes room for `bytes`, which may be none yet.
    ///
    /// # Errors
    /// There is no room.
    pub fn try_acquire(&self, bytes: u64) -> Result<Held, BudgetSpent> {
        let mut held = Held { account: Arc::clone(&self.0), bytes: 0 };
        held.grow_to(bytes)?;
        Ok(held)
    }

    /// What is handed out.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }
}

impl Held {
    /// Takes more, so that it holds `bytes`; a share that holds as much already stays as it is.
    ///
    /// # Errors
    /// There is no room. What it holds stays.
    pub fn grow_to(&mut self, bytes: u64) -> Result<(), BudgetSpent> {
        let more = bytes.saturating_sub(self.bytes);
        let room = |used: u64| used.checked_add(more).filter(|sum| *sum <= self.account.bytes_max);
        self.account.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| BudgetSpent)?;
        self.bytes += more;
        self.account.gauge.inc_by(signed(more));
        Ok(())
    }

    /// A share of its own in the same budget, which holds nothing yet.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { account: Arc::clone(&self.account), bytes: 0 }
    }

    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.used.fetch_sub(self.bytes, Ordering::Relaxed);
        self.account.gauge.dec_by(signed(self.bytes));
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn budget(bytes: u64) -> (Budget, Gauge) {
        let gauge = Gauge::default();
        (Budget::new(ByteSize(bytes), gauge.clone()), gauge)
    }

    #[test]
    fn what_is_spent_comes_back_when_the_body_is_gone() {
        let (budget, gauge) = budget(100);
        let first = budget.try_acquire(60).expect("room");
        assert_eq!(budget.try_acquire(41).err(), Some(BudgetSpent));
        let second = budget.try_acquire(40).expect("all the rest");
        assert_eq!((budget.used(), gauge.get()), (100, 100));
        drop(first);
        assert_eq!((budget.used(), gauge.get()), (40, 40));
        drop(second);
        assert_eq!((budget.used(), gauge.get()), (0, 0));
    }

    #[test]
    fn a_body_of_unknown_length_takes_more_as_it_grows() {
        let (budget, gauge) = budget(100);
        let mut held = budget.try_acquire(0).expect("nothing");
        held.grow_to(30).expect("room");
        held.grow_to(70).expect("room");
        held.grow_to(50).expect("it holds that already");
        assert_eq!((held.bytes(), gauge.get()), (70, 70));
        assert_eq!(held.grow_to(101), Err(BudgetSpent));
        assert_eq!(held.bytes(), 70, "what it held stays");
        assert_eq!(held.grow_to(u64::MAX), Err(BudgetSpent));
        let mut beside = held.beside();
        assert_eq!((beside.bytes(), beside.grow_to(31)), (0, Err(BudgetSpent)), "it is the same budget");
        drop((held, beside));
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn many_at_once_never_take_more_than_there_is() {
        let (budget, gauge) = budget(1000);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for bytes in 0..500 {
                        if let Ok(held) = budget.try_acquire(bytes) {
                            assert!(budget.used() <= 1000);
                            drop(held);
                        }
                    }
                });
            }
        });
        assert_eq!((budget.used(), gauge.get()), (0, 0));
    }
}
