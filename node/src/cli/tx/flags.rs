//! The flags that all transactions have.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::config::{ClientConfig, KeyringFlag, NodeFlag};
use crate::cli::error::CliError;
use crate::client::{Gas, TxOptions};
use crate::wallet::amount;

/// The flags that all transactions have.
#[derive(Debug, Clone, Args)]
pub struct TxFlags {
    /// Name or address of the key that signs
    #[arg(long, value_name = "KEY", env = "RACED_FROM")]
    pub from: Option<String>,
    /// The chain to sign for [default: client.toml, else what the node says]
    #[arg(long, value_name = "ID", env = "RACED_CHAIN_ID")]
    pub chain_id: Option<String>,
    #[command(flatten)]
    pub(super) node: NodeFlag,
    #[command(flatten)]
    pub(super) keyring: KeyringFlag,
    /// Gas limit: a number, or "auto" to simulate first
    #[arg(long, value_name = "auto|N", default_value = "auto", value_parser = parse_gas)]
    gas: GasFlag,
    /// What the simulated gas is multiplied by
    #[arg(long, value_name = "X", default_value_t = 1.3)]
    gas_adjustment: f64,
    /// What a unit of gas costs, such as 0.01nicoin [default: client.toml, else 0.01nicoin]
    #[arg(long, value_name = "PRICE", env = "RACED_GAS_PRICES")]
    gas_prices: Option<String>,
    /// The whole fee, such as 2000nicoin, whatever the price of gas
    #[arg(long, value_name = "AMOUNT")]
    fees: Option<String>,
    /// Address, or name of a key, of who pays the fee in the sender's place: `tx feegrant grant` allows it
    #[arg(long, value_name = "KEY")]
    pub(super) fee_granter: Option<String>,
    /// Address, or name of a key, of the signer who pays the fee; another than the sender signs, too
    #[arg(long, value_name = "KEY")]
    pub(super) fee_payer: Option<String>,
    /// A note for people, at most 256 characters
    #[arg(long, alias = "memo", value_name = "TEXT", default_value = "")]
    note: String,
    /// The last height at which it may be executed
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    timeout_height: u64,
    /// Only simulate it, and print what it would take
    #[arg(long, conflicts_with = "generate_only")]
    pub(super) dry_run: bool,
    /// Only print the transaction without a signature, JSON for `tx sign`
    #[arg(long)]
    pub(super) generate_only: bool,
    /// Ask no node for anything; with --generate-only
    #[arg(long, requires = "generate_only")]
    pub(super) offline: bool,
    /// The account's number, whatever the node says
    #[arg(long, short, value_name = "N")]
    pub(super) account_number: Option<u64>,
    /// The account's sequence, whatever the node says
    #[arg(long, short, value_name = "N")]
    pub(super) sequence: Option<u64>,
    /// How it is handed to the node: "sync" waits for the mempool's check
    #[arg(long, value_enum, default_value = "sync")]
    broadcast_mode: BroadcastMode,
    /// Do not wait for a block
    #[arg(long)]
    pub(super) no_wait: bool,
    /// How long to wait for a block
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    /// Do not ask before sending
    #[arg(long, short)]
    pub(super) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BroadcastMode {
    Sync,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GasFlag {
    Auto,
    Limit(u64),
}

fn parse_gas(text: &str) -> Result<GasFlag, String> {
    if text == "auto" {
        return Ok(GasFlag::Auto);
    }
    let limit = text.parse().map(GasFlag::Limit);
    limit.map_err(|_| "expected \"auto\" or a number".to_owned())
}

impl TxFlags {
    /// The flags that `client.toml` has defaults for.
    pub(super) fn config(&self) -> ClientConfig {
        ClientConfig {
            chain_id: self.chain_id.clone(),
            node: self.node.node.clone(),
            keyring_backend: self.keyring.keyring_backend.clone(),
            gas_prices: self.gas_prices.clone(),
        }
    }

    /// How it is paid for and waited for; by whom, the keyring must say.
    pub(super) fn options(&self, config: &ClientConfig) -> Result<TxOptions, CliError> {
        let fee = self.fees.as_deref().map(amount::parse).transpose();
        if !(1.0..=100.0).contains(&self.gas_adjustment) {
            return Err(CliError::usage("--gas-adjustment must be from 1 to 100"));
        }
        Ok(TxOptions {
            gas: match self.gas {
                GasFlag::Auto => Gas::Auto {
                    adjustment: self.gas_adjustment,
                },
                GasFlag::Limit(limit) => Gas::Limit(limit),
            },
            gas_price: config
                .gas_price()
                .map_err(|error| CliError::from(error).while_doing("--gas-prices").as_usage())?,
            fee: fee.map_err(|error| CliError::from(error).while_doing("--fees").as_usage())?,
            memo: self.note.clone(),
            timeout_height: self.timeout_height,
            wait: Duration::from_secs(self.wait),
            ..TxOptions::default()
        })
    }
}
