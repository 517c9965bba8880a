//! Places that are few: how many there are in all, and how many of them one client may have.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The bits of an IPv6 address that name a client: the rest is its own to choose.
const CLIENT_BITS_V6: u32 = 64;

/// How many places there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub all: usize,
    /// Of one address, or of one IPv6 network of 64 bits; 0: any number.
    pub of_address: usize,
    /// Addresses that stand for many clients, as a proxy's does: only the first bound is theirs.
    pub proxies: Vec<IpAddr>,
}

/// Who has a place.
#[derive(Debug)]
pub struct Places {
    bounds: Bounds,
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A place; free again when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

/// The client behind an address: IPv4 however it is written, of IPv6 the network that it may choose
/// addresses in.
#[must_use]
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = address.to_bits() & (u128::MAX << (128 - CLIENT_BITS_V6));
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        other => other,
    }
}

impl Places {
    /// All free.
    #[must_use]
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            taken: Mutex::default(),
        })
    }

    /// A place for an address, unless its client or all have as many as they may.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let bounds = &self.bounds;
        let client = client(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&client).copied().unwrap_or(0);
        let bounded = bounds.of_address > 0 && !bounds.proxies.contains(&address.to_canonical());
        let full = taken.values().sum::<usize>() >= bounds.all;
        if full || (bounded && own >= bounds.of_address) {
            return None;
        }
        taken.insert(client, own.saturating_add(1));
        Some(Place {
            places: Arc::clone(self),
            client,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &self.places.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: usize, of_address: usize) -> Arc<Places> {
        Places::new(Bounds {
            all,
            of_address,
            proxies: vec![IpAddr::from([127, 0, 0, 1])],
        })
    }

    fn held(places: &Arc<Places>, address: &str) -> Vec<Place> {
        let address = address.parse().unwrap();
        std::iter::from_fn(|| places.take(address)).collect()
    }

    #[test]
    fn an_address_has_few_places_a_proxy_more_and_all_together_have_a_bound() {
        let places = places(10, 4);
        let mut far = held(&places, "10.0.0.1");
        assert_eq!(far.len(), 4);
        far.pop();
        far.extend(places.take([10, 0, 0, 1].into()));
        assert_eq!(far.len(), 4);
        let proxied = held(&places, "127.0.0.1");
        assert_eq!(proxied.len(), 6);
        assert!(places.take([10, 0, 0, 2].into()).is_none());
        drop(proxied);
        assert_eq!(held(&places, "10.0.0.2").len(), 4);
    }

    #[test]
    fn addresses_that_one_client_chooses_are_one_client() {
        let places = places(10, 2);
        let _first = held(&places, "2001:db8:1:2::1");
        assert!(held(&places, "2001:db8:1:2:ffff::9").is_empty());
        assert_eq!(held(&places, "2001:db8:1:3::1").len(), 2);
        let _four = held(&places, "10.0.0.1");
        assert!(held(&places, "::ffff:10.0.0.1").is_empty());
        // The proxy's address on a socket that listens for both kinds.
        assert_eq!(held(&places, "::ffff:127.0.0.1").len(), 6);
    }

    #[test]
    fn without_a_bound_of_its_own_an_address_may_have_all() {
        assert_eq!(held(&places(10, 0), "10.0.0.1").len(), 10);
    }
}
