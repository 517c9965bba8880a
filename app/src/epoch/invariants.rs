//! What is always true of committees.

use super::diff;
use crate::state::State;

/// The committee is not empty, CometBFT can take it, and it is what CometBFT was told.
pub fn the_committee_is_what_cometbft_has(state: &State) -> Result<(), String> {
    let told = super::validators(state);
    diff::check(&told).map_err(|e| e.to_string())?;
    let powers = super::powers(state, super::current(state).number);
    let told: std::collections::BTreeMap<_, _> = told
        .into_iter()
        .map(|(address, validator)| (address, validator.power))
        .collect();
    match told == powers {
        true => Ok(()),
        false => Err(format!(
            "CometBFT was told {told:?}, the committee is {powers:?}"
        )),
    }
}
