//! What `bond` does at a switch.

use race_proto::race::bond::v1::EventBondReturned;

use super::{account, keys, params};
use crate::address::Account;
use crate::coin::stored;
use crate::context::Context;
use crate::events::typed;
use crate::state::State;
use crate::{bank, epoch};

/// The committee of epoch `next` takes over: notes whose node is in no committee from here on, and returns
/// what was locked long enough since.
pub fn at_switch(state: &mut State, context: &Context<'_>, next: u64) {
    let members = epoch::committee(state, next);
    let lock = crate::params::get(state, &params::LOCK_MS);
    for (key, mut bond) in keys::BONDS.all(state) {
        let (address, operator) = (key.0, Account(key.1));
        let left = match (members.contains_key(&address), bond.left_ms) {
            (true, _) => 0,
            (false, 0) => context.time_ms,
            (false, since) => since,
        };
        let is_over = left > 0 && context.time_ms >= left.saturating_add(lock);
        if is_over {
            keys::BONDS.remove(state, &key);
            bank::transfer(state, &account(), &operator, stored(&bond.amount))
                .expect("bonds_held covers every bond: checked by the invariants");
            state.emit(typed(&EventBondReturned {
                address: address.to_vec(),
                operator: bond.operator,
                amount: bond.amount,
            }));
        } else if left != bond.left_ms {
            bond.left_ms = left;
            keys::BONDS.put(state, &key, &bond);
        }
    }
}
