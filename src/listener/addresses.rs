//! How many connections each address has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::throttle::{ClientAddress, Counted};

/// Counts the connections of each address. It holds no more addresses than there are connections.
#[derive(Debug)]
pub(super) struct Addresses {
    max: Option<usize>,
    open: Mutex<HashMap<Counted, usize>>,
}

/// One connection's place; dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Place(Option<(Arc<Addresses>, Counted)>);

impl Addresses {
    /// With so many connections an address; none: as many as it likes.
    pub(super) fn new(max: Option<usize>) -> Arc<Self> {
        Arc::new(Self { max, open: Mutex::default() })
    }

    /// A place for a connection from `address`, if it has not got all of its places.
    pub(super) fn enter(self: &Arc<Self>, address: ClientAddress) -> Option<Place> {
        let Some(max) = self.max else { return Some(Place(None)) };
        let counted = address.counted();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(counted).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(self), counted))))
    }

    /// A place that is not counted.
    pub(super) fn uncounted() -> Place {
        Place(None)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, counted)) = self.0.take() else { return };
        let mut open = addresses.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&counted) {
            *count -= 1;
            if *count == 0 {
                open.remove(&counted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse().expect("an address"))
    }

    #[test]
    fn an_address_has_its_places_and_gets_them_back() {
        let addresses = Addresses::new(Some(2));
        let first = addresses.enter(address("192.0.2.1"));
        let second = addresses.enter(address("192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(addresses.enter(address("192.0.2.1")).is_none());
        assert!(addresses.enter(address("192.0.2.2")).is_some());
        drop(first);
        assert!(addresses.enter(address("192.0.2.1")).is_some());
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let addresses = Addresses::new(Some(2));
        drop(addresses.enter(address("192.0.2.1")));
        assert!(addresses.open.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn without_a_cap_nothing_is_counted() {
        let addresses = Addresses::new(None);
        let _places: Vec<_> = (0..10).map(|_| addresses.enter(address("192.0.2.1")).expect("a place")).collect();
        assert!(addresses.open.lock().expect("not poisoned").is_empty());
    }
}
