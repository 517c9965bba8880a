//! Talking to a running chain: queries, simulation, transactions.
//!
//! [`ChainClient`] is what the command line, the local network, the node's workers and tests use.
//! It speaks CometBFT's RPC alone, as CosmJS does.
//!
//! ```ignore
//! let chain = ChainClient::connect("http://127.0.0.1:26657").await?;
//! let done = chain.send(&key, vec![any(&message)], &TxOptions::default()).await?;
//! println!("{} in block {}", done.hash, done.height);
//! ```

mod error;
mod options;
mod tx;

use std::time::Duration;

use prost::Message;
use race_app::address::Account;
use race_app::coin::Nicoin;
use race_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};

pub use error::{ClientError, Refusal};
pub use options::{Gas, TxOptions};
pub use tx::{Estimate, Included};

use crate::comet::rpc::{RpcClient, RpcError};

/// A chain behind one CometBFT RPC server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ChainClient {
    rpc: RpcClient,
    chain_id: String,
}

/// What a signature needs to know of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountNumbers {
    /// Given when the account was made; never changes.
    pub number: u64,
    /// How many transactions it has made.
    pub sequence: u64,
}

impl ChainClient {
    /// A client of the chain `chain_id` at `rpc_url` (`http://host:port` or `tcp://host:port`).
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn new(rpc_url: &str, chain_id: &str) -> Result<Self, ClientError> {
        Ok(Self {
            rpc: RpcClient::new(rpc_url)?,
            chain_id: chain_id.to_owned(),
        })
    }

    /// A client of whatever chain answers at `rpc_url`.
    ///
    /// # Errors
    /// When the URL cannot be used, or nothing answers there.
    pub async fn connect(rpc_url: &str) -> Result<Self, ClientError> {
        let rpc = RpcClient::new(rpc_url)?;
        let chain_id = rpc.status().await?.node_info.network;
        Ok(Self { rpc, chain_id })
    }

    /// The chain that transactions are signed for.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The RPC server, for blocks, validators and the like.
    #[must_use]
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// The height of the last block.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn height(&self) -> Result<u64, ClientError> {
        Ok(self.rpc.status().await?.sync_info.latest_block_height)
    }

    /// Waits until there is a block of this height.
    ///
    /// # Errors
    /// When there is none after `limit`.
    pub async fn wait_for_height(&self, height: u64, limit: Duration) -> Result<u64, ClientError> {
        Ok(self.rpc.wait_for_height(height, limit).await?)
    }

    /// Asks the application: `path` is `/package.Query/Method`, `request` the encoded request;
    /// returns the encoded response. `height` is whose state answers, the last for `None`.
    ///
    /// # Errors
    /// [`ClientError::Query`] when the application refuses.
    pub async fn query(
        &self,
        path: &str,
        request: &[u8],
        height: Option<u64>,
    ) -> Result<Vec<u8>, ClientError> {
        let answer = self.rpc.abci_query(path, request, height, false).await?;
        if answer.code == 0 {
            return Ok(answer.value);
        }
        Err(ClientError::Query {
            path: path.to_owned(),
            codespace: answer.codespace,
            code: answer.code,
            log: answer.log,
        })
    }

    /// [`query`](Self::query) with typed request and response, at the last height.
    ///
    /// # Errors
    /// As [`query`](Self::query), and [`ClientError::Malformed`].
    pub async fn ask<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        request: &Q,
    ) -> Result<A, ClientError> {
        let bytes = self.query(path, &request.encode_to_vec(), None).await?;
        decode(path, &bytes)
    }

    /// Number and sequence of an account, as of the last block.
    ///
    /// # Errors
    /// [`ClientError::NoAccount`] when it has never received anything.
    pub async fn account(&self, account: &Account) -> Result<AccountNumbers, ClientError> {
        const PATH: &str = "/cosmos.auth.v1beta1.Query/Account";
        let request = QueryAccountRequest {
            address: account.to_string(),
        };
        let answer: QueryAccountResponse = match self.ask(PATH, &request).await {
            Err(error) if error.is_not_found() => return Err(ClientError::NoAccount(*account)),
            other => other?,
        };
        let any = answer
            .account
            .ok_or_else(|| malformed(PATH, "no account"))?;
        if !any.type_url.ends_with(".BaseAccount") {
            return Err(malformed(
                PATH,
                format_args!("{} cannot sign", any.type_url),
            ));
        }
        let base: BaseAccount = decode(PATH, &any.value)?;
        Ok(AccountNumbers {
            number: base.account_number,
            sequence: base.sequence,
        })
    }

    /// An account's balance, 0 for one that is not there.
    ///
    /// # Errors
    /// When the application refuses or the answer is no amount.
    pub async fn balance(&self, account: &Account) -> Result<Nicoin, ClientError> {
        const PATH: &str = "/cosmos.bank.v1beta1.Query/Balance";
        let request = QueryBalanceRequest {
            address: account.to_string(),
            denom: race_app::coin::DENOM.to_owned(),
        };
        let answer: QueryBalanceResponse = self.ask(PATH, &request).await?;
        match answer.balance {
            None => Ok(0),
            Some(coin) => coin
                .amount
                .parse()
                .map_err(|_| malformed(PATH, format_args!("{:?} is no amount", coin.amount))),
        }
    }
}

fn malformed(what: &str, reason: impl ToString) -> ClientError {
    ClientError::Malformed {
        what: what.to_owned(),
        reason: reason.to_string(),
    }
}

fn decode<A: Message + Default>(what: &str, bytes: &[u8]) -> Result<A, ClientError> {
    A::decode(bytes).map_err(|error| malformed(what, error))
}

/// Whether an RPC error says that the mempool has this very transaction already.
fn is_in_mempool(error: &RpcError) -> bool {
    matches!(error, RpcError::Refused { data, .. } if data.contains("already exists in cache"))
}

#[cfg(test)]
pub(crate) mod tests;
