//! What `pricing` does at a switch.

use race_proto::race::pricing::v1::{EventPriceChanged, Price};

use super::{current, keys, next};
use crate::context::Context;
use crate::events::typed;
use crate::node;
use crate::state::State;

/// Sets the price of the epoch that begins, by the votes of its committee; votes of nodes that are
/// no longer registered are dropped.
pub fn at_switch(state: &mut State, _: &Context<'_>, new_epoch: u64) {
    for (address, _) in keys::VOTES.all(state) {
        if node::get(state, &address).is_none() {
            keys::VOTES.remove(state, &address);
        }
    }
    let (from, to) = (current(state), next(state, new_epoch));
    keys::PRICE.put(
        state,
        &Price {
            epoch: new_epoch,
            price: to.to_string(),
        },
    );
    if from != to {
        let (from, to) = (from.to_string(), to.to_string());
        state.emit(typed(&EventPriceChanged {
            epoch: new_epoch,
            from,
            to,
        }));
    }
}
