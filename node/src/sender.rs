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

#[cfg(test)]
mod tests {
    use race_proto::race::race::v1::MsgSubmitRace;

    use super::*;
    use crate::client::tests::fake::{Behaviour, Fake, CHAIN_ID, NUMBER};
    use crate::wallet::mnemonic::Mnemonic;

    fn key() -> Key {
        Key::from_mnemonic(&Mnemonic::from_entropy([1; 32]), 0).unwrap()
    }

    fn sender(fake: &Fake) -> Sender {
        let rpc = RpcClient::new(&fake.url).unwrap();
        Sender::new(rpc, CHAIN_ID.to_owned(), key())
    }

    fn root_over(count: u64) -> Vec<Wanted> {
        let message = MsgSubmitRace {
            sender: key().account().to_string(),
            epoch: 1,
            attempt: 1,
            root: vec![7; 32],
            count,
        };
        vec![Wanted::new("race/1/1/submit", &message)]
    }

    /// The counts of the submissions that the pool has taken, in their order.
    fn taken(fake: &Fake) -> Vec<u64> {
        use prost::Message as _;
        use race_proto::cosmos::tx::v1beta1::TxBody;
        let count = |bytes: &[u8]| {
            let body = TxBody::decode(bytes).unwrap();
            MsgSubmitRace::decode(body.messages[0].value.as_slice())
                .unwrap()
                .count
        };
        fake.with(|chain| {
            let bodies = chain.accepted.iter();
            bodies.map(|tx| count(&tx.body_bytes)).collect()
        })
    }

    fn at(sequence: u64) -> AccountState {
        AccountState {
            number: NUMBER,
            sequence,
        }
    }

    #[tokio::test]
    async fn a_submission_that_the_pool_lost_is_sent_again_with_what_is_wanted_then() {
        let fake = Fake::start(Behaviour::default()).await;
        let mut sender = sender(&fake);
        sender.send(10, at(0), root_over(5)).await;
        // In flight: a larger one waits for it.
        sender.send(11, at(0), root_over(6)).await;
        assert_eq!(taken(&fake), [5]);
        fake.with(|chain| chain.pending = 0);
        for height in 12..=15 {
            sender.send(height, at(0), root_over(8)).await;
        }
        assert_eq!(taken(&fake), [5, 8]);
        // In a block: it is replaced by a larger one at once.
        sender.send(16, at(1), root_over(9)).await;
        assert_eq!(taken(&fake), [5, 8, 9]);
    }

    #[tokio::test]
    async fn after_a_restart_what_waits_in_the_pool_goes_first() {
        let fake = Fake::start(Behaviour::default()).await;
        sender(&fake).send(10, at(0), root_over(5)).await;
        // The pool still holds the first; this process knows nothing of it.
        let mut restarted = sender(&fake);
        restarted.send(11, at(0), root_over(6)).await;
        assert_eq!(taken(&fake), [5]);
        restarted.send(12, at(1), root_over(6)).await;
        assert_eq!(taken(&fake), [5, 6]);
    }
}
