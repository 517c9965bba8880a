//! Amounts. Everything on chain is an integer number of `nicoin`; 10^9 nicoin are 1 icoin.

/// An amount in nicoin. The whole supply is 10^18, so u128 never overflows in a sum.
pub type Nicoin = u128;

/// The denomination of all balances.
pub const DENOM: &str = "nicoin";

/// Reads an amount as state stores it: decimal text; empty is zero.
pub fn stored(text: &str) -> Nicoin {
    if text.is_empty() {
        return 0;
    }
    text.parse()
        .unwrap_or_else(|_| panic!("state is damaged: {text:?} is no amount"))
}

/// Why a text is no amount.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is no amount: expected digits, at most 2^128 - 1")]
pub struct AmountError {
    text: String,
}

/// Reads a user's decimal amount in nicoin.
pub fn parse(text: &str) -> Result<Nicoin, AmountError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let error = || AmountError {
        text: text.chars().take(80).collect(),
    };
    if digits {
        text.parse().map_err(|_| error())
    } else {
        Err(error())
    }
}
