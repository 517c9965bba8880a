//! Amounts as people write them. The chain counts `nicoin`; `icoin` is 10^9 of them.

use std::fmt;
use std::str::FromStr;

use race_app::coin::{Nicoin, DENOM};
use race_proto::cosmos::base::v1beta1::Coin;

/// The units of the coin and how many decimal places each has.
pub const UNITS: [(&str, u32); 4] = [("icoin", 9), ("micoin", 6), ("uicoin", 3), ("nicoin", 0)];

/// Decimal places of a [`GasPrice`], those of the Cosmos SDK's decimals.
const PRICE_PLACES: u32 = 18;

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a number followed by a unit.
    #[error("{0:?} is no amount: expected a number and a unit without a space, such as 5icoin, 2.5micoin or 7nicoin")]
    Form(String),
    /// A number alone.
    #[error("{0:?} has no unit: write one of icoin, micoin, uicoin or nicoin after it, such as {0}nicoin")]
    NoUnit(String),
    /// A unit of another chain.
    #[error("{text:?}: unknown unit {unit:?}; this chain has icoin, micoin (1/1000), uicoin (1/1000000) and nicoin (1/1000000000)")]
    Unit {
        /// As given.
        text: String,
        /// What follows the number.
        unit: String,
    },
    /// Finer than the chain counts.
    #[error(
        "{text:?} cannot be held exactly: {unit} has {places} decimal places, down to 1{smallest}"
    )]
    TooFine {
        /// As given.
        text: String,
        /// Its unit.
        unit: &'static str,
        /// How many places that unit has.
        places: u32,
        /// The smallest unit that can be told.
        smallest: &'static str,
    },
    /// Larger than 128 bits.
    #[error("{0:?} is larger than any amount can be")]
    TooLarge(String),
}

/// Splits `text` into its number and its unit.
fn split(text: &str) -> Result<(&str, &'static str, u32), AmountError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() || !unit.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(AmountError::Form(text.to_owned()));
    }
    if unit.is_empty() {
        return Err(AmountError::NoUnit(text.to_owned()));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (unit, places) = known.copied().ok_or_else(|| AmountError::Unit {
        text: text.to_owned(),
        unit: unit.to_owned(),
    })?;
    Ok((number, unit, places))
}

/// Reads a decimal number as an integer of `10^-places`.
fn scaled(text: &str, number: &str, unit: &'static str, places: u32) -> Result<u128, AmountError> {
    let form = || AmountError::Form(text.to_owned());
    let too_large = || AmountError::TooLarge(text.to_owned());
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(form()),
        None => (number, ""),
    };
    if whole.is_empty() || fraction.contains('.') {
        return Err(form());
    }
    let fraction = fraction.trim_end_matches('0');
    let used = u32::try_from(fraction.len()).map_err(|_| form())?;
    let missing = places.checked_sub(used).ok_or(AmountError::TooFine {
        text: text.to_owned(),
        unit,
        places,
        smallest: DENOM,
    })?;
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let value: u128 = if digits.is_empty() {
        0
    } else {
        digits.parse().map_err(|_| too_large())?
    };
    10u128
        .checked_pow(missing)
        .and_then(|factor| value.checked_mul(factor))
        .ok_or_else(too_large)
}

/// Reads an amount in nicoin: `5icoin`, `2.5micoin`, `1.5uicoin`, `7nicoin`.
///
/// # Errors
/// When it is not a number with a unit of this chain, or not a whole number of nicoin.
pub fn parse(text: &str) -> Result<Nicoin, AmountError> {
    let (number, unit, places) = split(text)?;
    scaled(text, number, unit, places)
}

/// An amount in the largest unit of which it is at least one: `2.5icoin`.
#[must_use]
pub fn show(amount: Nicoin) -> String {
    let unit = UNITS
        .iter()
        .find(|(_, places)| amount >= 10u128.pow(*places));
    let (name, places) = unit.copied().unwrap_or((DENOM, 0));
    let one = 10u128.pow(places);
    let (whole, rest) = (amount / one, amount % one);
    if rest == 0 {
        return format!("{whole}{name}");
    }
    let fraction = format!("{rest:0width$}", width = places as usize);
    format!("{whole}.{}{name}", fraction.trim_end_matches('0'))
}

/// An amount as a transaction has it.
#[must_use]
pub fn coin(amount: Nicoin) -> Coin {
    Coin {
        denom: DENOM.to_owned(),
        amount: amount.to_string(),
    }
}

/// What a unit of gas costs, such as `0.01nicoin`: exact to 18 decimal places of a nicoin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasPrice(u128);

impl GasPrice {
    /// Used when neither a flag nor a variable nor the client configuration names one.
    pub const DEFAULT: Self = Self(10u128.pow(PRICE_PLACES - 2));

    /// The fee for `gas` units, rounded up to a whole nicoin; `None` beyond 128 bits.
    #[must_use]
    pub fn fee(self, gas: u64) -> Option<Nicoin> {
        let exact = self.0.checked_mul(u128::from(gas))?;
        Some(exact.div_ceil(10u128.pow(PRICE_PLACES)))
    }
}

impl FromStr for GasPrice {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (number, unit, places) = split(text)?;
        scaled(text, number, unit, places + PRICE_PLACES).map(Self)
    }
}

impl fmt::Display for GasPrice {
    /// In nicoin, as it is read: `0.01nicoin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10u128.pow(PRICE_PLACES);
        let (whole, rest) = (self.0 / one, self.0 % one);
        if rest == 0 {
            return write!(f, "{whole}{DENOM}");
        }
        let fraction = format!("{rest:0width$}", width = PRICE_PLACES as usize);
        write!(f, "{whole}.{}{DENOM}", fraction.trim_end_matches('0'))
    }
}
