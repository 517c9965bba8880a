//! What must hold after every block.

use race_pricing::subsidy::CORE_INCENTIVE;

use super::{held_account, issuance, keys};
use crate::coin::stored;
use crate::state::State;
use crate::{bank, bond, duty, session, settlement};

/// `rewards_held` holds what the records of held rewards say.
///
/// # Errors
/// A sentence with both numbers.
pub fn held_is_the_sum(state: &State) -> Result<(), String> {
    let sum = keys::HELD.all(state).iter().fold(0u128, |sum, (_, held)| {
        [&held.fees, &held.checking, &held.gas]
            .into_iter()
            .fold(sum, |sum, amount| sum.saturating_add(stored(amount)))
    });
    let held = bank::balance(state, &held_account());
    match sum == held {
        true => Ok(()),
        false => Err(format!(
            "held rewards add up to {sum} nicoin, rewards_held has {held}"
        )),
    }
}

/// No more was minted than the core incentive.
///
/// # Errors
/// A sentence with both numbers.
pub fn issuance_is_bounded(state: &State) -> Result<(), String> {
    let minted = stored(&issuance(state).minted);
    match minted <= CORE_INCENTIVE {
        true => Ok(()),
        false => Err(format!(
            "{minted} nicoin were minted, at most {CORE_INCENTIVE} may be"
        )),
    }
}

/// Everything that must hold about coins: every one of them is in an account, and every one in a
/// module's account is explained.
///
/// # Errors
/// The first that does not hold.
pub fn all(state: &State) -> Result<(), String> {
    bank::invariants::supply_is_the_sum(state)?;
    session::invariants::escrow_is_the_sum(state)?;
    settlement::invariants::held_is_the_sum(state)?;
    duty::invariants::open_cases_are_contested(state)?;
    held_is_the_sum(state)?;
    bond::invariants::held_is_the_sum(state)?;
    issuance_is_bounded(state)
}
