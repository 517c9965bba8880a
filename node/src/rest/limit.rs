//! How many requests an address may make: a bucket for each, filled at a steady rate.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

/// Addresses that are remembered; above it the full buckets are forgotten, which changes nothing.
const REMEMBERED: usize = 10_000;

struct Bucket {
    left: f64,
    at: Instant,
}

/// The buckets.
pub struct Limit {
    per_second: f64,
    buckets: HashMap<IpAddr, Bucket>,
}

impl Limit {
    /// `per_second` requests of each address, and as many at once as in two seconds; 0: any number.
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            buckets: HashMap::new(),
        }
    }

    /// Whether a request of `address` may be answered now; counts it if so.
    pub fn admits(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        let (rate, most) = (self.per_second, self.per_second * 2.0);
        let level = |bucket: &Bucket| {
            let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + seconds * rate).min(most)
        };
        if self.buckets.len() >= REMEMBERED {
            self.buckets.retain(|_, bucket| level(bucket) < most);
        }
        let known = self.buckets.get(&address);
        let left = known.map_or(most, level);
        let admitted = left >= 1.0;
        let left = if admitted { left - 1.0 } else { left };
        self.buckets.insert(address, Bucket { left, at: now });
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_address_has_its_rate_and_others_do_not_take_of_it() {
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let start = Instant::now();
        let mut limit = Limit::new(2);
        let admitted = (0..10).filter(|_| limit.admits(one, start)).count();
        assert_eq!(admitted, 4);
        assert!(limit.admits(other, start));
        let later = start + Duration::from_secs(1);
        let admitted = (0..10).filter(|_| limit.admits(one, later)).count();
        assert_eq!(admitted, 2);
    }

    #[test]
    fn without_a_rate_everything_is_admitted() {
        let mut limit = Limit::new(0);
        let (address, now) = (IpAddr::from([10, 0, 0, 1]), Instant::now());
        assert!((0..1000).all(|_| limit.admits(address, now)));
    }
}
