//! Who is on the other side, as limits and checks see it.

use std::net::{IpAddr, Ipv6Addr};

/// The address of whoever sent a request: the connection's peer, or the one that trusted proxies name.
///
/// Handed to the handlers of a request as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

/// What an address is counted as: an IPv4 address by itself, an IPv6 one by its /64, because whoever has one address of
/// a /64 has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted(u128);

/// The part of an IPv6 address that names the network.
const NETWORK: u128 = !0 << 64;

impl ClientAddress {
    /// An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) counts as the IPv4 one.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address itself.
    #[must_use]
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// What it is counted as.
    #[must_use]
    pub fn counted(self) -> Counted {
        match self.0 {
            IpAddr::V4(address) => Counted(u128::from(address.to_ipv6_mapped())),
            IpAddr::V6(address) => Counted(u128::from(address) & NETWORK),
        }
    }
}

impl Counted {
    /// No client has the unspecified address; it stands for an empty place.
    pub(super) const NOBODY: Self = Self(Ipv6Addr::UNSPECIFIED.to_bits());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> Counted {
        ClientAddress::new(text.parse().expect("an address")).counted()
    }

    #[test]
    fn an_ipv4_address_is_counted_by_itself() {
        assert_eq!(counted("192.0.2.1"), counted("::ffff:192.0.2.1"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }

    #[test]
    fn all_of_an_ipv6_network_are_counted_as_one() {
        assert_eq!(counted("2001:db8:1:2::1"), counted("2001:db8:1:2:ffff::9"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
    }
}
