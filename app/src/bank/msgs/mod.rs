//! Messages of `bank`: the SDK's.

mod multi_send;
mod send;

use crate::message::MessageType;

/// What transactions and proposals may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: "/cosmos.bank.v1beta1.MsgSend",
        parse: send::parse,
    },
    MessageType {
        type_url: "/cosmos.bank.v1beta1.MsgMultiSend",
        parse: multi_send::parse,
    },
];

use crate::address::Account;
use crate::auth;
use crate::bank::coins::Coins;
use crate::coin::DENOM;
use crate::error::TxError;
use crate::state::State;

/// A receiver's address; checked when the message executes, as in the SDK.
fn receiver(text: &str, what: &str) -> Result<Account, TxError> {
    Account::parse(text).map_err(|e| {
        let e = e.to_string();
        let reason = if e.starts_with("Address") {
            "empty address string is not allowed"
        } else {
            &e
        };
        TxError::sdk(7, format!("{what}{reason}: invalid address"))
    })
}

/// Positive, sorted amounts.
fn valid(coins: &Coins) -> Result<(), TxError> {
    match !coins.0.is_empty() && coins.is_valid() {
        true => Ok(()),
        false => Err(TxError::sdk(10, format!("{coins}: invalid coins"))),
    }
}

/// That the sender has all of it: nobody has coins of another denomination.
fn covered(state: &State, from: &Account, coins: &Coins) -> Result<(), TxError> {
    if let Some(foreign) = coins.foreign() {
        return Err(super::insufficient(0, foreign.digits(), &foreign.denom));
    }
    let spendable = super::spendable(state, from);
    match coins.0.first() {
        Some(coin) if coin.amount() > spendable => {
            Err(super::insufficient(spendable, coin.digits(), DENOM))
        }
        _ => Ok(()),
    }
}

/// Modules' accounts take coins only from their modules, so that every coin in them is explained.
fn may_receive(to: &Account) -> Result<(), TxError> {
    match auth::module_name(to) {
        None => Ok(()),
        Some(_) => Err(TxError::sdk(
            4,
            format!("{to} is not allowed to receive funds: unauthorized"),
        )),
    }
}
