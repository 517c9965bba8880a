//! When a window will close, by the pace of the chain's last blocks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Blocks over which the pace is taken: a node that has caught up forgets how fast that went.
const BLOCKS: usize = 8;

/// When this node saw the last blocks.
#[derive(Debug, Default)]
pub struct Pace(VecDeque<(u64, Instant)>);

impl Pace {
    /// A block is seen.
    pub fn see(&mut self, height: u64, now: Instant) {
        self.0.push_back((height, now));
        if self.0.len() > BLOCKS + 1 {
            self.0.pop_front();
        }
    }

    /// How long `blocks` take; `None` before two were seen.
    pub fn of(&self, blocks: u64) -> Option<Duration> {
        let ((first, since), (last, until)) = (self.0.front()?, self.0.back()?);
        let seen = u32::try_from(last.saturating_sub(*first)).ok()?;
        let each = until.saturating_duration_since(*since).checked_div(seen)?;
        each.checked_mul(u32::try_from(blocks).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_take_as_long_as_the_last_ones_did() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        assert_eq!(pace.of(3), None);
        pace.see(10, at(0));
        assert_eq!(pace.of(3), None);
        // A height that was not seen is in the mean all the same.
        pace.see(12, at(4));
        assert_eq!(pace.of(3), Some(Duration::from_secs(6)));
        assert_eq!(pace.of(0), Some(Duration::ZERO));
        for (height, seconds) in (13..).zip(5..13) {
            pace.see(height, at(seconds));
        }
        assert_eq!(pace.of(3), Some(Duration::from_secs(3)));
    }
}
