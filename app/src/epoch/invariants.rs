//! What is always true of committees.

use super::diff;
use crate::state::State;

/// The committee without equivocators is not empty, CometBFT can take it, and it is what CometBFT was
/// told.
pub fn the_committee_is_what_cometbft_has(state: &State) -> Result<(), String> {
    let told = super::validators(state);
    diff::check(&told).map_err(|e| e.to_string())?;
    let expected = super::switch::in_force(state);
    match told == expected {
        true => Ok(()),
        false => Err(format!(
            "CometBFT was told {told:?}, the committee is {expected:?}"
        )),
    }
}
