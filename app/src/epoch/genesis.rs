//! Genesis of `epoch`: the first committee, which generates the first key from the first block on.

use race_proto::race::epoch::v1::{Member, Phase, Validator};

use super::diff::{check, IllegalSet};
use super::{calendar, keys, switch};
use crate::address::ConsensusAddress;
use crate::context::Context;
use crate::node;
use crate::state::State;

/// Makes the given nodes, which are registered, the committee of epoch 1; `context.height` is the
/// height before the first block. Parameters are set already. Returns CometBFT's first set.
///
/// # Errors
/// When CometBFT could not take the set.
pub fn init(
    state: &mut State,
    context: &Context<'_>,
    powers: &[(ConsensusAddress, u64)],
) -> Result<Vec<Validator>, IllegalSet> {
    let member = |power| Member {
        power,
        ..Member::default()
    };
    let members = powers
        .iter()
        .map(|(address, power)| {
            (
                *address,
                Member {
                    address: address.to_vec(),
                    ..member(*power)
                },
            )
        })
        .collect();
    let validators = switch::validators(state, &members);
    check(&validators)?;
    for (address, member) in &members {
        keys::MEMBERS.put(state, &(1, *address), member);
        node::phase::joined(state, address);
    }
    for (address, validator) in &validators {
        keys::VALIDATORS.put(state, address, validator);
    }
    switch::begin(state, context, 1, Phase::Deal);
    let powers = super::powers(state, 1);
    calendar::generate_first_key(state, context, &powers);
    Ok(validators.into_values().collect())
}
