//! From a new set of validators to CometBFT's updates: pure.
//!
//! CometBFT halts on the removal of a key that it does not know, a duplicate key, an empty set and a
//! total above `MaxInt64 / 8`. The difference is taken against the app's own record of what it reported.

use std::collections::BTreeMap;

use race_proto::race::epoch::v1::Validator;

use super::caps::MAX_TOTAL;
use crate::address::ConsensusAddress;

/// A set of validators, by address.
pub type Set = BTreeMap<ConsensusAddress, Validator>;

/// Why a set is never reported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalSet {
    /// Nobody is left.
    #[error("the set is empty")]
    Empty,
    /// A member without power.
    #[error("{0} has no power")]
    NoPower(String),
    /// A key under two addresses.
    #[error("{0} has another member's key")]
    Duplicate(String),
    /// Too much power.
    #[error("the total power {0} is above 2^60 - 1")]
    Total(u128),
}

/// Whether CometBFT can take a set.
///
/// # Errors
/// [`IllegalSet`], the first reason why not.
pub fn check(set: &Set) -> Result<(), IllegalSet> {
    if set.is_empty() {
        return Err(IllegalSet::Empty);
    }
    let mut keys = std::collections::BTreeSet::new();
    let mut total = 0u128;
    for (address, validator) in set {
        if validator.power == 0 {
            return Err(IllegalSet::NoPower(hex::encode_upper(address)));
        }
        if !keys.insert(&validator.public_key) {
            return Err(IllegalSet::Duplicate(hex::encode_upper(address)));
        }
        total = total.saturating_add(validator.power.into());
    }
    match total <= MAX_TOTAL.into() {
        true => Ok(()),
        false => Err(IllegalSet::Total(total)),
    }
}

/// The updates that turn `old`, as last reported, into `new`: changed and added members with their
/// power, removed ones with power 0, by address.
///
/// # Errors
/// [`IllegalSet`] when `new` is a set that CometBFT cannot take.
pub fn diff(old: &Set, new: &Set) -> Result<Vec<Validator>, IllegalSet> {
    check(new)?;
    let mut updates: BTreeMap<ConsensusAddress, Validator> = BTreeMap::new();
    for (address, validator) in old {
        if !new.contains_key(address) {
            updates.insert(
                *address,
                Validator {
                    power: 0,
                    ..validator.clone()
                },
            );
        }
    }
    for (address, validator) in new {
        if old.get(address) != Some(validator) {
            updates.insert(*address, validator.clone());
        }
    }
    Ok(updates.into_values().collect())
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
