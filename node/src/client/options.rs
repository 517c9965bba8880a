//! How a transaction is paid for and waited for.

use std::time::Duration;

use race_app::coin::Nicoin;

use super::error::ClientError;
use crate::wallet::amount::GasPrice;

/// The gas limit of a transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gas {
    /// What a simulation takes, times the factor.
    Auto {
        /// At least 1; the SDK's tools take 1.3.
        adjustment: f64,
    },
    /// As given.
    Limit(u64),
}

impl Gas {
    /// The limit when a simulation took `used`.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub fn limit(self, used: u64) -> u64 {
        match self {
            // Gas is far below 2^52, and the cast saturates.
            Self::Auto { adjustment } => (used as f64 * adjustment.max(1.0)).ceil() as u64,
            Self::Limit(limit) => limit,
        }
    }
}

/// How a transaction is paid for and waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct TxOptions {
    /// The gas limit; simulated and multiplied by 1.3 unless said otherwise.
    pub gas: Gas,
    /// What a unit of gas costs.
    pub gas_price: GasPrice,
    /// The whole fee, instead of gas limit times price.
    pub fee: Option<Nicoin>,
    /// A note for people, at most 256 characters.
    pub memo: String,
    /// The last height at which it may be executed, 0 for any.
    pub timeout_height: u64,
    /// How long to wait for a block that holds it.
    pub wait: Duration,
}

impl Default for TxOptions {
    fn default() -> Self {
        Self {
            gas: Gas::Auto { adjustment: 1.3 },
            gas_price: GasPrice::DEFAULT,
            fee: None,
            memo: String::new(),
            timeout_height: 0,
            wait: Duration::from_secs(60),
        }
    }
}

impl TxOptions {
    /// The fee for a gas limit.
    ///
    /// # Errors
    /// When it is beyond any amount.
    pub fn fee(&self, gas: u64) -> Result<Nicoin, ClientError> {
        let price = self.gas_price;
        match self.fee {
            Some(fee) => Ok(fee),
            None => price.fee(gas).ok_or(ClientError::Fee { gas, price }),
        }
    }
}
