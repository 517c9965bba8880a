//! Keys of `bank`: the SDK's own bytes, so that IBC and wallets can prove balances.
//!
//! | key | value |
//! |---|---|
//! | `0x02, len(address), address, denom` | the balance as decimal text; absent when zero |
//! | `0x00, denom` | the supply as decimal text |

use crate::address::Account;
use crate::coin::{stored, Nicoin, DENOM};
use crate::state::State;

/// The store of this module.
pub const STORE: &str = "bank";

const SUPPLY_PREFIX: u8 = 0x00;
pub(super) const BALANCE_PREFIX: u8 = 0x02;
const ADDRESS_BYTES: u8 = 20;

/// The raw key of an account's balance.
pub fn balance_key(account: &Account) -> Vec<u8> {
    [
        &[BALANCE_PREFIX, ADDRESS_BYTES],
        account.0.as_slice(),
        DENOM.as_bytes(),
    ]
    .concat()
}

/// The raw key of the supply.
pub fn supply_key() -> Vec<u8> {
    [&[SUPPLY_PREFIX], DENOM.as_bytes()].concat()
}

/// Reads an amount.
pub(super) fn read(state: &State, key: &[u8]) -> Nicoin {
    state.get(STORE, key).map_or(0, |raw| {
        let text = String::from_utf8(raw).expect("state is damaged: an amount is no text");
        stored(&text)
    })
}

/// Writes an amount; zero deletes.
pub(super) fn write(state: &mut State, key: Vec<u8>, amount: Nicoin) {
    match amount {
        0 => state.delete(STORE, key),
        _ => state.put(STORE, key, amount.to_string().into_bytes()),
    }
}

/// Reads the account out of a balance's key.
pub(super) fn account_of(key: &[u8]) -> Option<Account> {
    let (head, rest) = key.split_first_chunk::<2>()?;
    let (address, denom) = rest.split_first_chunk::<20>()?;
    (*head == [BALANCE_PREFIX, ADDRESS_BYTES] && denom == DENOM.as_bytes())
        .then_some(Account(*address))
}
