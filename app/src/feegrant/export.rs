//! What `feegrant` hands over when a chain ends.

use race_proto::cosmos::feegrant::v1beta1::Grant;

use super::{keys, stored};
use crate::chain;
use crate::state::State;

/// Every allowance that still holds.
pub fn allowances(state: &State) -> Vec<Grant> {
    let now = chain::time_ms(state);
    let all = keys::ALLOWANCES.all(state).into_iter();
    let all = all.map(|(_, grant)| grant);
    all.filter(|grant| !stored(grant).is_over(now)).collect()
}
