//! Rewards: what an epoch's work earned, what is minted for it, and what is released or forfeited.
//!
//! Epoch e is finalised at the switch that ends e + 1: fees are split, the subsidy is computed, and
//! both are released in proportion to the duties done. What is not released goes to the treasury
//! (fees) or was never minted (subsidy: it stays in the batch).
//!
//! Invariants: the account `rewards_held` holds exactly what the [`Held`] records say
//! ([`invariants::held_is_the_sum`]); what was minted never exceeds the core incentive; minting
//! happens only at release.

pub mod export;
pub mod finalise;
pub mod invariants;
pub mod keys;
pub mod params;
pub mod phase;
pub mod queries;
pub mod subsidy;

use race_proto::race::treasury::v1::{Held, Issuance, Release};

use crate::address::{Account, ConsensusAddress};
use crate::auth;
use crate::coin::{stored, Nicoin};
use crate::epoch;
use crate::state::State;

pub use keys::{Forfeit, STORE};
pub use queries::QUERIES;

/// The reason that costs only what was earned by checking in the epoch.
pub const CHECKING: &str = "checking";

/// The account of rewards that wait for their release.
pub fn held_account() -> Account {
    auth::module_account("rewards_held")
}

/// The account of forfeited coins.
pub fn treasury_account() -> Account {
    auth::module_account("treasury")
}

/// The account of the training fund.
pub fn training_account() -> Account {
    auth::module_account("training_fund")
}

/// What was issued so far.
pub fn issuance(state: &State) -> Issuance {
    keys::ISSUANCE.get(state).unwrap_or_else(|| Issuance {
        minted: "0".to_owned(),
        fees_counted: "0".to_owned(),
        burned: "0".to_owned(),
    })
}

/// Counts coins that were burned.
pub fn note_burned(state: &mut State, amount: Nicoin) {
    let mut issued = issuance(state);
    issued.burned = stored(&issued.burned).saturating_add(amount).to_string();
    keys::ISSUANCE.put(state, &issued);
}

/// What became of a node's rewards of an epoch.
pub fn release(state: &State, epoch: u64, address: &ConsensusAddress) -> Option<Release> {
    keys::RELEASES.get(state, &(epoch, *address))
}

/// What a node will forfeit of an epoch, if anything.
pub fn forfeit(state: &State, epoch: u64, address: &ConsensusAddress) -> Option<Forfeit> {
    keys::FORFEITS.get(state, &(epoch, *address))
}

/// A node forfeits its unreleased rewards of an epoch: with the reason [`CHECKING`] what it earned
/// by checking, with any other everything. Takes effect when the epoch is finalised; of an epoch
/// that was released nothing is left to forfeit.
pub fn forfeit_epoch(state: &mut State, address: &ConsensusAddress, epoch: u64, reason: &str) {
    let all = reason != CHECKING;
    match forfeit(state, epoch, address) {
        // The first reason for losing everything stands.
        Some(before) if before.all || !all => {}
        _ => {
            let forfeit = Forfeit {
                all,
                reason: reason.to_owned(),
            };
            keys::FORFEITS.put(state, &(epoch, *address), &forfeit);
        }
    }
}

/// A node forfeits everything unreleased: the current epoch's rewards, the last one's, and what was
/// held back longer.
pub fn forfeit_all(state: &mut State, address: &ConsensusAddress, reason: &str) {
    let current = epoch::current(state).number;
    let late: Vec<u64> = keys::UNFINISHED
        .all(state)
        .into_iter()
        .map(|(epoch, ())| epoch)
        .collect();
    for epoch in late.into_iter().chain([current.saturating_sub(1), current]) {
        forfeit_epoch(state, address, epoch, reason);
    }
}

/// What is held for a node and an epoch; nothing when it has no record.
pub(crate) fn held(state: &State, epoch: u64, address: &ConsensusAddress) -> Held {
    let zero = || "0".to_owned();
    keys::HELD
        .get(state, &(epoch, *address))
        .unwrap_or_else(|| Held {
            address: address.to_vec(),
            epoch,
            fees: zero(),
            checking: zero(),
            gas: zero(),
            minted: zero(),
        })
}
