//! What must hold after every block, of all modules: tests ask after each block.

use crate::state::State;
use crate::{
    authz, bank, beacon, duty, epoch, feegrant, gov, node, race, session, settlement, treasury,
};

/// Checks all invariants.
///
/// # Errors
/// The sentence of the first that is broken.
pub fn all(state: &State) -> Result<(), String> {
    bank::invariants::supply_is_the_sum(state)?;
    authz::invariants::every_grant_is_listed(state)?;
    feegrant::invariants::every_allowance_is_listed(state)?;
    gov::invariants::deposits_are_held(state)?;
    node::invariants::accounts_lead_to_their_nodes(state)?;
    node::invariants::who_is_outside_stands_in_the_line(state)?;
    epoch::invariants::the_committee_is_what_cometbft_has(state)?;
    beacon::invariants::a_key_is_in_force(state)?;
    race::invariants::results_are_all_or_nothing(state)?;
    session::invariants::escrow_is_the_sum(state)?;
    session::invariants::who_is_open_stands_in_the_line(state)?;
    settlement::invariants::held_is_the_sum(state)?;
    duty::invariants::open_cases_are_contested(state)?;
    treasury::invariants::held_is_the_sum(state)?;
    treasury::invariants::issuance_is_bounded(state)
}
