//! Bonds: what an operator stands to lose (economy: "Bonds and pools").
//!
//! A bond is earned in: half of each release is kept until the bond reaches one epoch's expected
//! earnings; or it is paid in at once. It stays locked until `bond/lock_ms` after the node left the
//! committee, and is then returned to the operator. Equivocation, a forged output and a false race proof burn
//! it. It never adds weight.
//!
//! A bond belongs to a node and an operator: a node that was forgotten and is registered again by somebody
//! else has another one, but what the node does wrong burns both.
//!
//! Invariant: the account `bonds_held` holds exactly what the [`Bond`] records say
//! ([`invariants::held_is_the_sum`]).

pub mod errors;
pub mod export;
pub mod invariants;
mod keys;
mod msgs;
pub mod params;
pub mod phase;
pub mod queries;

use race_proto::race::bond::v1::{Bond, EventBondBurned, EventBonded};

use crate::address::{Account, ConsensusAddress};
use crate::coin::{stored, Nicoin};
use crate::error::TxError;
use crate::events::typed;
use crate::state::State;
use crate::{auth, bank, treasury};

pub use keys::STORE;
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// An expectation that is not met falls by this part at each release.
const DECAY: u128 = 8;

/// The account of all bonds.
pub fn account() -> Account {
    auth::module_account("bonds_held")
}

/// The bond of a node and an operator, empty if there is none.
pub fn get(state: &State, address: &ConsensusAddress, operator: &Account) -> Bond {
    keys::BONDS
        .get(state, &(*address, operator.0))
        .unwrap_or_else(|| Bond {
            address: address.to_vec(),
            operator: operator.to_string(),
            amount: "0".to_owned(),
            expected: "0".to_owned(),
            left_ms: 0,
        })
}

/// Keeps of a release, which the operator was paid just now, what the bond lacks, at most half, and says
/// how much. What an epoch is expected to earn rises at once and falls slowly, so that one poor epoch
/// does not make a bond complete.
pub fn keep(
    state: &mut State,
    address: &ConsensusAddress,
    operator: &Account,
    released: Nicoin,
) -> Nicoin {
    let mut bond = get(state, address, operator);
    let before = stored(&bond.expected);
    let fallen = before.saturating_sub(before.div_ceil(DECAY));
    let expected = released.max(fallen);
    let bonded = stored(&bond.amount);
    if expected == 0 && bonded == 0 {
        return 0;
    }
    bond.expected = expected.to_string();
    keys::BONDS.put(state, &(*address, operator.0), &bond);
    let kept = expected.saturating_sub(bonded).min(released.div_euclid(2));
    // What an operator cannot spend cannot be kept either; that is nothing to stop a block for.
    add(state, operator, address, operator, kept).map_or(0, |()| kept)
}

/// Moves coins of an account into the bond of a node and its operator.
///
/// # Errors
/// `sdk` 5 when the account can spend less.
fn add(
    state: &mut State,
    from: &Account,
    address: &ConsensusAddress,
    operator: &Account,
    amount: Nicoin,
) -> Result<(), TxError> {
    if amount == 0 {
        return Ok(());
    }
    bank::transfer(state, from, &account(), amount)?;
    let mut bond = get(state, address, operator);
    bond.amount = stored(&bond.amount).saturating_add(amount).to_string();
    keys::BONDS.put(state, &(*address, operator.0), &bond);
    state.emit(typed(&EventBonded {
        address: address.to_vec(),
        operator: operator.to_string(),
        amount: amount.to_string(),
        total: bond.amount,
    }));
    Ok(())
}

/// Burns what a node's operators had bonded.
pub fn burn(state: &mut State, address: &ConsensusAddress, reason: &str) {
    for ((_, operator), bond) in keys::BONDS.under(state, address) {
        keys::BONDS.remove(state, &(*address, operator));
        let amount = stored(&bond.amount);
        if amount == 0 {
            continue;
        }
        bank::burn(state, &account(), amount)
            .expect("bonds_held covers every bond: checked by the invariants");
        treasury::note_burned(state, amount);
        state.emit(typed(&EventBondBurned {
            address: bond.address,
            operator: bond.operator,
            amount: bond.amount,
            reason: reason.to_owned(),
        }));
    }
}
