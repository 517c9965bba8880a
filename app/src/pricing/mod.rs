//! The price of a unit of compute: the weighted median of the providers' votes, moving at most a
//! tenth at each switch.
//!
//! Invariant: the price changes only at a switch, and is never 0.

pub mod errors;
pub mod keys;
pub mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use race_pricing::median::{next_price, Vote};

use crate::coin::{stored, Nicoin};
use crate::epoch;
use crate::state::State;

pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// The price of a unit of compute in the current epoch, in nicoin.
pub fn current(state: &State) -> Nicoin {
    match keys::PRICE.get(state) {
        Some(price) => stored(&price.price),
        None => Nicoin::from(crate::params::get(state, &params::GENESIS_PRICE)),
    }
}

/// The price that would follow the current one if an epoch's committee decided now.
pub fn next(state: &State, epoch: u64) -> Nicoin {
    let votes: Vec<Vote> = epoch::committee(state, epoch)
        .iter()
        .map(|(address, member)| Vote {
            price: keys::VOTES
                .get(state, address)
                .map(|vote| stored(&vote.price)),
            weight: member.power,
        })
        .collect();
    next_price(current(state), &votes)
}
