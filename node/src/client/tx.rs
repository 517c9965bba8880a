//! Simulating, signing, broadcasting and waiting.

use std::time::Duration;

use prost::{Message, Name};
use race_app::address::Account;
use race_app::coin::Nicoin;
use race_proto::cosmos::base::abci::v1beta1::TxMsgData;
use race_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use race_proto::Any;
use sha2::{Digest, Sha256};

use super::error::Refusal;
use super::options::{Gas, TxOptions};
use super::{decode, is_in_mempool, malformed, AccountNumbers, ChainClient, ClientError};
use crate::comet::rpc::{self, RpcError};
use crate::wallet::key::Key;
use crate::wallet::sign::Signer;

const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";
const POLL: Duration = Duration::from_millis(200);
/// How often a transaction is signed anew with the sequence that the chain asks for.
const SEQUENCE_TRIES: u32 = 4;

/// What a transaction would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Gas that the simulation took; `None` when the limit was given and nothing was simulated.
    pub gas_used: Option<u64>,
    /// The gas limit.
    pub gas_limit: u64,
    /// The fee in nicoin.
    pub fee: Nicoin,
    /// The account as it was signed for.
    pub account: AccountNumbers,
}

/// A transaction that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// SHA-256 of the transaction, upper-case hex.
    pub hash: String,
    /// Its block.
    pub height: u64,
    /// Gas that it had.
    pub gas_wanted: i64,
    /// Gas that it took.
    pub gas_used: i64,
    /// The responses to its messages, encoded as `TxMsgData`.
    pub data: Vec<u8>,
    /// Empty on a chain of the SDK's manners.
    pub log: String,
    /// What happened.
    pub events: Vec<rpc::Event>,
}

impl Included {
    /// The response to message `index`.
    ///
    /// # Errors
    /// When there is none, or it is of another type.
    pub fn response<M: Message + Name + Default>(&self, index: usize) -> Result<M, ClientError> {
        let data: TxMsgData = decode("the transaction's data", &self.data)?;
        let any = data
            .msg_responses
            .get(index)
            .ok_or_else(|| malformed("the transaction", format!("no response {index}")))?;
        if any.type_url.trim_start_matches('/') != M::full_name() {
            return Err(malformed(
                "the transaction",
                format!("expected {}, got {}", M::full_name(), any.type_url),
            ));
        }
        decode(&any.type_url, &any.value)
    }
}

impl ChainClient {
    /// Gas that a transaction would take. `tx` is an encoded `TxRaw`, its signature may be empty
    /// ([`TxDraft::unsigned`](crate::wallet::sign::TxDraft::unsigned)).
    ///
    /// # Errors
    /// [`ClientError::Query`] when it would fail.
    pub async fn simulate(&self, tx: &[u8]) -> Result<u64, ClientError> {
        let request = SimulateRequest {
            tx_bytes: tx.to_vec(),
            ..SimulateRequest::default()
        };
        let answer: SimulateResponse = self.ask(SIMULATE, &request).await?;
        let gas = answer
            .gas_info
            .ok_or_else(|| malformed(SIMULATE, "no gas_info"))?;
        Ok(gas.gas_used)
    }

    /// Hands a signed transaction (an encoded `TxRaw`) to the mempool; returns its hash. One that
    /// the mempool has already is no error.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when `CheckTx` refuses it.
    pub async fn broadcast(&self, tx: &[u8]) -> Result<String, ClientError> {
        let hash = hash(tx);
        let answer = match self.rpc.broadcast_tx_sync(tx).await {
            Err(error) if is_in_mempool(&error) => return Ok(hash),
            other => other?,
        };
        if answer.code == 0 {
            return Ok(hash);
        }
        Err(ClientError::Refused(Box::new(Refusal {
            hash,
            height: None,
            codespace: answer.codespace,
            code: answer.code,
            log: answer.log,
            gas_wanted: 0,
            gas_used: 0,
        })))
    }

    /// Waits until a block holds the transaction of this hash (hex).
    ///
    /// # Errors
    /// [`ClientError::Refused`] when it was executed and failed, [`ClientError::NotIncluded`] after
    /// `limit`.
    pub async fn wait_for_tx(&self, hash: &str, limit: Duration) -> Result<Included, ClientError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes)
            .map_err(|error| malformed("the transaction's hash", error))?;
        let poll = async {
            loop {
                match self.rpc.tx(&bytes, false).await {
                    Ok(Some(tx)) => return included(tx),
                    // A node that restarts meanwhile is waited for, too.
                    Ok(None) | Err(RpcError::Unreachable { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                tokio::time::sleep(POLL).await;
            }
        };
        match tokio::time::timeout(limit, poll).await {
            Ok(done) => done,
            Err(_) => Err(ClientError::NotIncluded {
                hash: hash.to_owned(),
                limit,
            }),
        }
    }

    /// Gas limit and fee of a transaction of `account`, simulated where the options say so.
    /// `public_key` may be unknown: nothing is signed.
    ///
    /// # Errors
    /// When the account does not exist or the transaction would fail.
    pub async fn estimate(
        &self,
        account: &Account,
        public_key: Option<[u8; 33]>,
        messages: &[Any],
        options: &TxOptions,
    ) -> Result<Estimate, ClientError> {
        let mut account = self.account(account).await?;
        let mut gas_used = None;
        if matches!(options.gas, Gas::Auto { .. }) {
            let draft = options.draft(messages.to_vec());
            let simulate = |sequence| {
                let tx = draft.unsigned(public_key, sequence);
                async move { self.simulate(&tx).await }
            };
            let first = simulate(account.sequence).await;
            // Transactions of this account that wait in the mempool count already.
            let expected = first
                .as_ref()
                .err()
                .and_then(ClientError::expected_sequence);
            gas_used = Some(match expected {
                Some(expected) => {
                    account.sequence = expected;
                    simulate(expected).await?
                }
                None => first?,
            });
        }
        let gas_limit = options.gas.limit(gas_used.unwrap_or(0));
        Ok(Estimate {
            gas_used,
            gas_limit,
            fee: options.fee(gas_limit)?,
            account,
        })
    }

    /// Signs and broadcasts; returns the hash once the mempool has accepted it. When other
    /// transactions of the same key are under way, the sequence is corrected and it is signed
    /// anew, so that several may be sent at once.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of [`estimate`](Self::estimate).
    pub async fn submit(
        &self,
        key: &Key,
        messages: &[Any],
        options: &TxOptions,
    ) -> Result<String, ClientError> {
        let public_key = Some(key.public_key());
        let estimate = self
            .estimate(&key.account(), public_key, messages, options)
            .await?;
        self.submit_estimated(key, messages, options, &estimate)
            .await
    }

    /// [`submit`](Self::submit) with an estimate that was made before, and perhaps shown.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub async fn submit_estimated(
        &self,
        key: &Key,
        messages: &[Any],
        options: &TxOptions,
        estimate: &Estimate,
    ) -> Result<String, ClientError> {
        let draft = options
            .draft(messages.to_vec())
            .paying(estimate.gas_limit, estimate.fee);
        let mut sequence = estimate.account.sequence;
        let mut tries = 1;
        loop {
            let signer = Signer {
                chain_id: &self.chain_id,
                account_number: estimate.account.number,
                sequence,
            };
            let sent = self.broadcast(&draft.sign(key, signer)).await;
            let expected = sent.as_ref().err().and_then(ClientError::expected_sequence);
            match expected {
                Some(expected) if tries < SEQUENCE_TRIES && expected != sequence => {
                    sequence = expected;
                    tries += 1;
                }
                _ => return sent,
            }
        }
    }

    /// Signs, broadcasts, and waits for the block: the one call that most callers need.
    ///
    /// # Errors
    /// See [`submit`](Self::submit) and [`wait_for_tx`](Self::wait_for_tx).
    pub async fn send(
        &self,
        key: &Key,
        messages: Vec<Any>,
        options: &TxOptions,
    ) -> Result<Included, ClientError> {
        let hash = self.submit(key, &messages, options).await?;
        self.wait_for_tx(&hash, options.wait).await
    }
}

/// The name of a transaction: SHA-256 of its bytes, upper-case hex.
fn hash(tx: &[u8]) -> String {
    hex::encode_upper(Sha256::digest(tx))
}

fn included(tx: rpc::Tx) -> Result<Included, ClientError> {
    let result = tx.tx_result;
    if result.code != 0 {
        return Err(ClientError::Refused(Box::new(Refusal {
            hash: tx.hash,
            height: Some(tx.height),
            codespace: result.codespace,
            code: result.code,
            log: result.log,
            gas_wanted: result.gas_wanted,
            gas_used: result.gas_used,
        })));
    }
    Ok(Included {
        hash: tx.hash,
        height: tx.height,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        data: result.data,
        log: result.log,
        events: result.events,
    })
}
