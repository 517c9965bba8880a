//! What is always true of race proofs.

use race_proto::race::race::v1::Outcome;

use super::keys;
use crate::state::State;

/// A result is accepted with its claimed count, or struck to 0.
pub fn results_are_all_or_nothing(state: &State) -> Result<(), String> {
    for ((epoch, attempt, address), result) in keys::RESULTS.all(state) {
        let accepted = result.outcome() == Outcome::Accepted;
        let good = if accepted {
            result.accepted == result.claimed
        } else {
            result.accepted == 0
        };
        if !good {
            let who = hex::encode_upper(address);
            return Err(format!(
                "the result of {who} in {epoch}/{attempt} is {result:?}"
            ));
        }
    }
    Ok(())
}
