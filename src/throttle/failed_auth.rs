//! Failed authentications per address.
//!
//! A table of fixed size: each address has one set of places where it can stand, chosen by a hash that strangers cannot
//! foresee. Where a set is full, the address that failed least makes room. So a flood of addresses costs no memory, and
//! to push out one that fails often it would have to fail as often from every address that it uses.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::address::{ClientAddress, Counted};
use super::rate::{Elapsed, Schedule, TooOften};
use crate::clock::Clock;
use crate::units::Rate;

/// Sets, and places in each: 32768 addresses in about 1 MiB.
const SETS: usize = 4096;
const PLACES: usize = 8;

/// Counts failures, and says whom to refuse.
#[derive(Debug)]
pub struct FailedAuth {
    schedule: Schedule,
    elapsed: Elapsed,
    hasher: RandomState,
    sets: Vec<Mutex<[Place; PLACES]>>,
}

/// An address and when its next failure would be due, evenly.
#[derive(Debug, Clone, Copy)]
struct Place {
    address: Counted,
    due: u64,
}

const EMPTY: Place = Place { address: Counted::NOBODY, due: 0 };

impl FailedAuth {
    /// `server.failed_auth`; where it is off, none is built.
    #[must_use]
    pub fn new(rate: Rate, clock: Clock) -> Self {
        Self::with_sets(SETS, rate, clock)
    }

    fn with_sets(sets: usize, rate: Rate, clock: Clock) -> Self {
        let sets = (0..sets).map(|_| Mutex::new([EMPTY; PLACES])).collect();
        Self { schedule: Schedule::new(rate), elapsed: Elapsed::new(clock), hasher: RandomState::new(), sets }
    }

    /// Whether requests from that address are taken.
    ///
    /// # Errors
    /// It has failed too often, and when it may try again.
    pub fn check(&self, address: ClientAddress) -> Result<(), TooOften> {
        let now = self.elapsed.nanos();
        let due = self.with_set(address.counted(), |set, counted| find(set, counted).map_or(0, |place| place.due));
        self.schedule.next(due, now).map(drop)
    }

    /// A request from that address failed to prove itself.
    pub fn count(&self, address: ClientAddress) {
        let now = self.elapsed.nanos();
        self.with_set(address.counted(), |set, counted| {
            if find(set, counted).is_none()
                && let Some(least) = set.iter_mut().min_by_key(|place| place.due)
            {
                *least = Place { address: counted, due: now };
            }
            // One that has failed too often already is not pushed further away: it is refused before it fails.
            if let Some(place) = find(set, counted)
                && let Ok(due) = self.schedule.next(place.due, now)
            {
                place.due = due;
            }
        });
    }

    fn with_set<T>(&self, counted: Counted, act: impl FnOnce(&mut [Place; PLACES], Counted) -> T) -> T {
        let hash = usize::try_from(self.hasher.hash_one(counted) & u64::from(u32::MAX)).unwrap_or_default();
        let set = &self.sets[hash % self.sets.len()];
        act(&mut set.lock().unwrap_or_else(PoisonError::into_inner), counted)
    }
}

fn find(set: &mut [Place; PLACES], counted: Counted) -> Option<&mut Place> {
    set.iter_mut().find(|place| place.address == counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use std::net::{IpAddr, Ipv6Addr};
    use std::time::Duration;

    fn limit(sets: usize) -> (FailedAuth, Clock) {
        let clock = Clock::standing_at(UnixMillis(0));
        (FailedAuth::with_sets(sets, "3/m".parse().expect("a rate"), clock.clone()), clock)
    }

    fn address(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_that_fails_too_often_is_refused_until_time_has_passed() {
        let (limit, clock) = limit(SETS);
        let stranger = address("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(limit.check(stranger), Ok(()));
            limit.count(stranger);
        }
        assert_eq!(limit.check(stranger), Err(TooOften(Duration::from_secs(20))));
        assert_eq!(limit.check(address("192.0.2.2")), Ok(()), "others are not meant");
        clock.advance(Duration::from_secs(20));
        assert_eq!(limit.check(stranger), Ok(()));
        limit.count(stranger);
        assert!(limit.check(stranger).is_err());
    }

    #[test]
    fn asking_is_no_failure() {
        let (limit, _) = limit(SETS);
        for _ in 0..100 {
            assert_eq!(limit.check(address("192.0.2.1")), Ok(()));
        }
    }

    #[test]
    fn an_ipv6_network_fails_as_one() {
        let (limit, _) = limit(SETS);
        for host in 1..=3 {
            limit.count(address(&format!("2001:db8::{host}")));
        }
        assert!(limit.check(address("2001:db8::9")).is_err());
        assert_eq!(limit.check(address("2001:db8:0:1::9")), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_does_not_push_out_one_that_is_refused() {
        let (limit, _) = limit(1);
        let stranger = address("192.0.2.1");
        for _ in 0..3 {
            limit.count(stranger);
        }
        for network in 1..10_000u128 {
            limit.count(ClientAddress::new(IpAddr::V6(Ipv6Addr::from(network << 64))));
        }
        assert!(limit.check(stranger).is_err());
    }

    #[test]
    fn an_address_that_was_refused_long_ago_makes_room() {
        let (limit, clock) = limit(1);
        for host in 1..=8 {
            for _ in 0..3 {
                limit.count(address(&format!("192.0.2.{host}")));
            }
        }
        clock.advance(Duration::from_hours(1));
        for _ in 0..3 {
            limit.count(address("192.0.2.9"));
        }
        assert!(limit.check(address("192.0.2.9")).is_err());
    }
}
