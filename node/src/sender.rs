//! Puts the node's own messages on chain: one transaction a message, signed by the hot account,
//! free of fees. Retried until it is in a block or no longer wanted.

use std::collections::BTreeMap;

use crate::comet::rpc::{BroadcastTx, RpcClient, RpcError};
use crate::protocol::Wanted;
use crate::wallet::key::Key;
use crate::wallet::sign::{Signer, TxDraft};

/// Blocks after which a transaction that is in no block counts as lost.
const PATIENCE: u64 = 4;

/// The SDK's code for a sequence that is not the next.
const WRONG_SEQUENCE: u32 = 32;

/// Gas that a message of a node may use; it is free, and bounded by its handler.
const GAS_LIMIT: u64 = 100_000_000;

struct InFlight {
    step: String,
    sent_at: u64,
}

/// The one sender of a node's hot account.
pub struct Sender {
    rpc: RpcClient,
    chain_id: String,
    key: Key,
    in_flight: BTreeMap<u64, InFlight>,
}

/// The hot account as committed.
#[derive(Debug, Clone, Copy)]
pub struct AccountState {
    /// Its number.
    pub number: u64,
    /// Its next sequence.
    pub sequence: u64,
}

impl Sender {
    /// A sender with nothing in flight.
    pub fn new(rpc: RpcClient, chain_id: String, key: Key) -> Self {
        Self {
            rpc,
            chain_id,
            key,
            in_flight: BTreeMap::new(),
        }
    }

    /// Sends what is wanted and not in flight. `account` is as committed at `height`.
    pub async fn send(&mut self, height: u64, account: AccountState, wanted: Vec<Wanted>) {
        self.in_flight
            .retain(|sequence, _| *sequence >= account.sequence);
        // A gap or an old one in front: the pool lost it, and all behind it are void.
        let lost = self
            .in_flight
            .iter()
            .next()
            .is_some_and(|(sequence, first)| {
                *sequence != account.sequence || height.saturating_sub(first.sent_at) > PATIENCE
            });
        if lost {
            self.in_flight.clear();
        }
        let mut sequence = self
            .in_flight
            .keys()
            .next_back()
            .map_or(account.sequence, |last| last.saturating_add(1));
        for wanted in wanted {
            if self.in_flight.values().any(|f| f.step == wanted.step) {
                continue;
            }
            let mut sent = self.broadcast(&wanted, account.number, sequence).await;
            // What was in flight was dropped by the pool: begin again from the committed sequence.
            if matches!(&sent, Ok(refused) if refused.codespace == "sdk" && refused.code == WRONG_SEQUENCE)
                && sequence != account.sequence
            {
                self.in_flight.clear();
                sequence = account.sequence;
                sent = self.broadcast(&wanted, account.number, sequence).await;
            }
            let step = wanted.step;
            match sent {
                Ok(checked) if checked.code == 0 => {
                    tracing::debug!(%step, sequence, "sent");
                    self.in_flight.insert(
                        sequence,
                        InFlight {
                            step,
                            sent_at: height,
                        },
                    );
                    sequence = sequence.saturating_add(1);
                }
                Ok(refused) => tracing::warn!(
                    %step, codespace = %refused.codespace, code = refused.code, log = %refused.log,
                    "a message of this node was refused"
                ),
                Err(error) => {
                    log_unreachable(&step, &error);
                    break;
                }
            }
        }
    }

    async fn broadcast(
        &self,
        wanted: &Wanted,
        account_number: u64,
        sequence: u64,
    ) -> Result<BroadcastTx, RpcError> {
        let signer = Signer {
            chain_id: &self.chain_id,
            account_number,
            sequence,
        };
        let draft = TxDraft::new(vec![wanted.message.clone()]).paying(GAS_LIMIT, 0);
        self.rpc
            .broadcast_tx_sync(&draft.sign(&self.key, signer))
            .await
    }
}

fn log_unreachable(step: &str, error: &RpcError) {
    tracing::warn!(%step, %error, "CometBFT took no transaction; trying again after the next block");
}
