//! Lists of coins as messages and fees carry them: any denomination, amounts up to 256 bits.

use std::fmt;

use race_proto::cosmos::base::v1beta1::Coin;

use crate::coin::{Nicoin, DENOM};
use crate::error::TxError;

/// 2^256 - 1, the largest amount that the SDK's integers hold.
const LARGEST: &str =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

/// A coin whose amount is known to be an integer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyCoin {
    /// The denomination as given.
    pub denom: String,
    /// The digits without leading zeros, `-` in front of a negative amount.
    digits: String,
}

impl AnyCoin {
    /// The amount; above 2^128 - 1, which no balance reaches, that.
    pub fn amount(&self) -> Nicoin {
        match self.digits.starts_with('-') {
            true => 0,
            false => self.digits.parse().unwrap_or(Nicoin::MAX),
        }
    }

    /// The amount as text.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    fn is_positive(&self) -> bool {
        self.digits != "0" && !self.digits.starts_with('-')
    }
}

/// Coins in the order given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coins(pub Vec<AnyCoin>);

impl Coins {
    /// Reads the amounts.
    ///
    /// # Errors
    /// `sdk` 2 when an amount is no integer or has more than 256 bits.
    pub fn parse(coins: &[Coin]) -> Result<Self, TxError> {
        coins
            .iter()
            .map(parse_coin)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is nothing in it.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|coin| !coin.is_positive())
    }

    /// The SDK's rule: positive amounts, sorted by denomination without duplicates.
    pub fn is_valid(&self) -> bool {
        let ordered = self.0.windows(2).all(|pair| pair[0].denom < pair[1].denom);
        ordered
            && self
                .0
                .iter()
                .all(|coin| coin.is_positive() && is_denom(&coin.denom))
    }

    /// The amount of the chain's own coin.
    pub fn nicoin(&self) -> Nicoin {
        let found = self.0.iter().find(|coin| coin.denom == DENOM);
        found.map_or(0, AnyCoin::amount)
    }

    /// What is left of a limit after these coins; `None` when they are more. Nobody has coins of another
    /// denomination, so no limit on them is ever used.
    pub fn minus(&self, spent: &Self) -> Option<Self> {
        let left = self.nicoin().checked_sub(spent.nicoin())?;
        if spent.foreign().is_some() {
            return None;
        }
        let coins = self.0.iter().filter_map(|coin| match coin.denom == DENOM {
            true => (left > 0).then(|| AnyCoin {
                denom: coin.denom.clone(),
                digits: left.to_string(),
            }),
            false => Some(coin.clone()),
        });
        Some(Self(coins.collect()))
    }

    /// The smaller amount of each coin that both have; none of them may be negative.
    pub fn smaller(&self, other: &Self) -> Self {
        let size = |coin: &AnyCoin| (coin.digits.len(), coin.digits.clone());
        let coins = self.0.iter().filter_map(|coin| {
            let other = other.0.iter().find(|other| other.denom == coin.denom)?;
            Some(
                [coin, other]
                    .into_iter()
                    .min_by_key(|coin| size(coin))?
                    .clone(),
            )
        });
        Self(coins.collect())
    }

    /// As messages carry them.
    pub fn to_proto(&self) -> Vec<Coin> {
        let coin = |coin: &AnyCoin| Coin {
            denom: coin.denom.clone(),
            amount: coin.digits.clone(),
        };
        self.0.iter().map(coin).collect()
    }

    /// The first coin that no account of this chain can have.
    pub fn foreign(&self) -> Option<&AnyCoin> {
        self.0.iter().find(|coin| coin.denom != DENOM)
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, coin) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}{}", coin.digits, coin.denom)?;
        }
        Ok(())
    }
}

fn parse_coin(coin: &Coin) -> Result<AnyCoin, TxError> {
    let (sign, digits) = match coin.amount.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", coin.amount.as_str()),
    };
    let is_integer = digits.bytes().all(|b| b.is_ascii_digit());
    let trimmed = digits.trim_start_matches('0');
    let fits = (trimmed.len(), trimmed) <= (LARGEST.len(), LARGEST);
    if !is_integer || !fits {
        let shown: String = coin.amount.chars().take(80).collect();
        return Err(TxError::sdk(
            2,
            format!("{shown:?} is no integer of at most 256 bits: tx parse error"),
        ));
    }
    let digits = match trimmed {
        "" => "0".to_owned(),
        _ => format!("{sign}{trimmed}"),
    };
    Ok(AnyCoin {
        denom: coin.denom.clone(),
        digits,
    })
}

/// The SDK's rule for denominations: a letter, then 2 to 127 letters, digits or `/:._-`.
pub fn is_denom(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic());
    first
        && (3..=128).contains(&text.len())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b))
}

/// A coin of this chain.
pub fn nicoin(amount: Nicoin) -> Coin {
    Coin {
        denom: DENOM.to_owned(),
        amount: amount.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coins(list: &[(&str, &str)]) -> Result<Coins, TxError> {
        let list: Vec<_> = list
            .iter()
            .map(|(amount, denom)| Coin {
                denom: (*denom).into(),
                amount: (*amount).into(),
            })
            .collect();
        Coins::parse(&list)
    }

    #[test]
    fn amounts_of_256_bits_are_read_and_larger_ones_refused() {
        let read = coins(&[("100000000000000000000", DENOM)]).unwrap();
        assert_eq!(read.nicoin(), 100_000_000_000_000_000_000);
        assert_eq!(coins(&[(LARGEST, DENOM)]).unwrap().nicoin(), Nicoin::MAX);
        let above = LARGEST.replace("639935", "639936");
        assert_eq!(coins(&[(&above, DENOM)]).unwrap_err().code, 2);
        assert_eq!(coins(&[("1e3", DENOM)]).unwrap_err().code, 2);
    }

    #[test]
    fn zero_negative_unsorted_and_doubled_coins_are_not_valid() {
        for list in [
            &[("0", DENOM)][..],
            &[("-5", DENOM)],
            &[("1", "zzz"), ("1", "aaa")],
            &[("1", "aaa"), ("1", "aaa")],
            &[("1", "a")],
        ] {
            assert!(!coins(list).unwrap().is_valid(), "{list:?}");
        }
        assert_eq!(
            coins(&[("007", "aaa"), ("0", DENOM)]).unwrap().to_string(),
            "7aaa,0nicoin"
        );
    }
}
