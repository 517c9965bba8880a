//! What is always true of keys.

use super::keygen;
use crate::epoch;
use crate::state::State;

/// After the first key generation there is exactly one key in force.
pub fn a_key_is_in_force(state: &State) -> Result<(), String> {
    let epoch = epoch::current(state);
    let first = epoch::key_attempt(state).is_some_and(|attempt| attempt.0 == epoch.number);
    match first || keygen::key(state, epoch.number).is_some() {
        true => Ok(()),
        false => Err(format!("epoch {} has no key", epoch.number)),
    }
}
