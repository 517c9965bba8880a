//! How a transaction is paid for and waited for.

use std::time::Duration;

use race_app::address::Account;
use race_app::coin::Nicoin;
use race_proto::Any;

use super::error::ClientError;
use crate::wallet::amount::GasPrice;
use crate::wallet::sign::TxDraft;

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
    /// The signer who pays, unless that is the sender.
    pub fee_payer: Option<Account>,
    /// Who pays in the payer's place, as far as it allowed.
    pub fee_granter: Option<Account>,
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
            fee_payer: None,
            fee_granter: None,
            memo: String::new(),
            timeout_height: 0,
            wait: Duration::from_secs(60),
        }
    }
}

impl TxOptions {
    /// A draft of these messages, still without gas and fee.
    #[must_use]
    pub fn draft(&self, messages: Vec<Any>) -> TxDraft {
        TxDraft {
            memo: self.memo.clone(),
            timeout_height: self.timeout_height,
            fee_payer: self.fee_payer,
            fee_granter: self.fee_granter,
            ..TxDraft::new(messages)
        }
    }

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
