//! Which newcomers are judged, when more of them submit than there are seats: pure.
//!
//! Judging costs the checkers a sample of each proof, so only as many are judged as could be seated. What
//! is submitted proves nothing yet: whoever has registered some nodes can claim any count for each, for
//! free, and open none. So the count decides about one half of the seats only. The other half goes to those
//! who have waited longest: since they were registered, or a proof of theirs was last accepted. Who did not
//! open, or whose proof was false, comes after everybody else, and unless it was in a committee not long ago it is
//! forgotten at the switch ([`crate::node`]): its keys may come again, as the youngest. So nobody holds up
//! who came after it more than once.
//!
//! What an attacker can still do:
//!
//! - Claim much with fresh nodes in every epoch. Then no honest newcomer gets one of the seats that go by
//!   count, and all of them wait for their turn. It comes after at most `others that wait / (seats / 2)`
//!   epochs, which `node/max_outside` bounds: about 20 at the defaults.
//! - Prove a little with many nodes, each too small to be seated: they take turns with the others.
//! - Open false leaves, which costs the checkers a sample for each seat, and each node its place.
//!
//! No bound on the count is below 2^32: how many nonces a participant computes in the window depends on how
//! many machines it has, and the chain knows neither that nor how many seconds a block will take.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::address::ConsensusAddress;

/// A newcomer that submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who.
    pub address: ConsensusAddress,
    /// The leaves that it claims to have.
    pub count: u64,
    /// Since when it waits for its turn: an epoch; of those with the same, the block in which it was
    /// registered.
    pub waits_since: (u64, u64),
    /// Whether the last proof that was asked of it was not opened, or false.
    pub struck: bool,
}

/// The newcomers that are judged: one half of the seats, rounded up, to those who wait longest and were not
/// struck, the others to the highest counts. Of those who wait as long the higher count is first; ties go by
/// address.
pub fn judged(mut claims: Vec<Claim>, seats: usize) -> BTreeSet<ConsensusAddress> {
    let by_count = |claim: &Claim| (claim.struck, Reverse(claim.count), claim.address);
    claims.sort_unstable_by_key(|claim| (claim.struck, claim.waits_since, by_count(claim)));
    let first = claims.iter().take_while(|claim| !claim.struck);
    let by_turn = first.count().min(seats.div_ceil(2));
    let mut others = claims.split_off(by_turn);
    others.sort_unstable_by_key(by_count);
    let rest = others.into_iter().take(seats.saturating_sub(by_turn));
    claims
        .into_iter()
        .chain(rest)
        .map(|claim| claim.address)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(n: u8, count: u64, since: u64, struck: bool) -> Claim {
        Claim {
            address: [n; 20],
            count,
            waits_since: (since, 0),
            struck,
        }
    }

    fn seated(claims: &[Claim], seats: usize) -> Vec<u8> {
        let judged = judged(claims.to_vec(), seats);
        judged.iter().map(|address| address[0]).collect()
    }

    #[test]
    fn where_there_are_seats_for_all_all_are_judged() {
        let claims = [claim(1, 5, 9, false), claim(2, 1, 3, true)];
        assert_eq!(seated(&claims, 2), [1, 2]);
        assert_eq!(seated(&claims, 9), [1, 2]);
        assert_eq!(seated(&[], 9), [0u8; 0]);
    }

    #[test]
    fn half_of_the_seats_go_by_turns_and_half_by_count() {
        let claims = [
            claim(1, 90, 9, false),
            claim(2, 80, 8, false),
            claim(3, 1, 2, false),
            claim(4, 2, 1, false),
            claim(5, 70, 3, false),
        ];
        assert_eq!(seated(&claims, 4), [1, 2, 3, 4]);
        assert_eq!(seated(&claims, 3), [1, 3, 4]);
        assert_eq!(seated(&claims, 1), [4], "a single seat goes by turns");
    }

    #[test]
    fn who_was_struck_comes_last_however_long_it_waits_and_whatever_it_claims() {
        let claims = [
            claim(1, u64::MAX, 1, true),
            claim(2, 1, 8, false),
            claim(3, 2, 9, false),
        ];
        assert_eq!(seated(&claims, 2), [2, 3]);
        assert_eq!(seated(&claims, 3), [1, 2, 3]);
    }
}
