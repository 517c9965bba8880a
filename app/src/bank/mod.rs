//! Balances of the one denomination, in the SDK's layout and with its events.
//!
//! Invariant: the sum of all balances is the supply ([`invariants::supply_is_the_sum`]); only
//! [`mint`] and [`burn`] change it.

pub mod coins;
pub mod invariants;
mod keys;
pub mod msgs;
pub mod queries;

use crate::address::Account;
use crate::auth;
use crate::coin::{Nicoin, DENOM};
use crate::error::TxError;
use crate::events::event;
use crate::state::State;

pub use keys::{balance_key, supply_key, STORE};
pub use msgs::MESSAGES;
pub use queries::QUERIES;

/// The balance of an account, in nicoin.
pub fn balance(state: &State, account: &Account) -> Nicoin {
    keys::read(state, &keys::balance_key(account))
}

/// What an account can spend: its balance without what is still locked, in nicoin.
pub fn spendable(state: &State, account: &Account) -> Nicoin {
    balance(state, account).saturating_sub(auth::vesting::locked(state, account))
}

/// All coins there are, in nicoin.
pub fn supply(state: &State) -> Nicoin {
    keys::read(state, &keys::supply_key())
}

/// Every account that has coins, in the order of addresses.
pub fn balances(state: &State) -> Vec<(Account, Nicoin)> {
    state
        .scan(STORE, &[keys::BALANCE_PREFIX])
        .into_iter()
        .filter_map(|(key, _)| keys::account_of(&key))
        .map(|account| (account, balance(state, &account)))
        .collect()
}

/// An amount with its denomination, as events show it.
pub fn shown(amount: Nicoin) -> String {
    format!("{amount}{DENOM}")
}

/// The refusal of an amount above the balance.
pub fn insufficient(balance: Nicoin, amount: impl std::fmt::Display, denom: &str) -> TxError {
    let log = format!(
        "spendable balance {balance}{denom} is smaller than {amount}{denom}: insufficient funds"
    );
    TxError::sdk(5, log)
}

/// Takes coins from an account; event `coin_spent`.
fn spend(state: &mut State, from: &Account, amount: Nicoin) -> Result<(), TxError> {
    let spendable = spendable(state, from);
    if spendable < amount {
        return Err(insufficient(spendable, amount, DENOM));
    }
    let after = balance(state, from).saturating_sub(amount);
    keys::write(state, keys::balance_key(from), after);
    state.emit(event(
        "coin_spent",
        &[("spender", &from.to_string()), ("amount", &shown(amount))],
    ));
    Ok(())
}

/// Gives coins to an account; event `coin_received`.
fn receive(state: &mut State, to: &Account, amount: Nicoin) {
    let after = balance(state, to)
        .checked_add(amount)
        .expect("the supply fits u128");
    keys::write(state, keys::balance_key(to), after);
    state.emit(event(
        "coin_received",
        &[("receiver", &to.to_string()), ("amount", &shown(amount))],
    ));
}

/// Moves coins; the receiver's account is created if need be. Moving nothing does nothing.
/// Events as the SDK's: `coin_spent`, `coin_received`, `transfer`, `message`.
///
/// # Errors
/// `sdk` 5 when less can be spent.
pub fn transfer(
    state: &mut State,
    from: &Account,
    to: &Account,
    amount: Nicoin,
) -> Result<(), TxError> {
    if amount == 0 {
        return Ok(());
    }
    spend(state, from, amount)?;
    receive(state, to, amount);
    auth::ensure_account(state, to);
    let (from, to) = (from.to_string(), to.to_string());
    let attributes = [
        ("recipient", to.as_str()),
        ("sender", &from),
        ("amount", &shown(amount)),
    ];
    state.emit(event("transfer", &attributes));
    state.emit(event("message", &[("sender", &from)]));
    Ok(())
}

/// Creates coins. Events `coin_received` and `coinbase`.
pub fn mint(state: &mut State, to: &Account, amount: Nicoin) {
    if amount == 0 {
        return;
    }
    receive(state, to, amount);
    auth::ensure_account(state, to);
    let after = supply(state)
        .checked_add(amount)
        .expect("the supply fits u128");
    keys::write(state, keys::supply_key(), after);
    state.emit(event(
        "coinbase",
        &[("minter", &to.to_string()), ("amount", &shown(amount))],
    ));
}

/// Destroys coins of an account. Events `coin_spent` and `burn`.
///
/// # Errors
/// `sdk` 5 when the balance is smaller.
pub fn burn(state: &mut State, from: &Account, amount: Nicoin) -> Result<(), TxError> {
    if amount == 0 {
        return Ok(());
    }
    spend(state, from, amount)?;
    let after = supply(state)
        .checked_sub(amount)
        .expect("a balance is part of the supply");
    keys::write(state, keys::supply_key(), after);
    state.emit(event(
        "burn",
        &[("burner", &from.to_string()), ("amount", &shown(amount))],
    ));
    Ok(())
}

#[cfg(test)]
mod tests;
