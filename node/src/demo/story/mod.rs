//! The steps of the story. Each is a transaction or a query; what is printed was read from the
//! chain.
//!
//! | file | what is in it |
//! |---|---|
//! | `race.rs` | genesis, the seed, the race |
//! | `model.rs` | a model is proposed and loaded |
//! | `price.rs` | a price is voted on |
//! | `session.rs` | a session is opened, and asked in |
//! | `settlement.rs` | answers are settled, checked and paid |

mod model;
mod price;
mod race;
mod session;
mod settlement;

use super::say;
use super::sight::Sight;
use crate::client::{ChainClient, TxOptions};
use crate::localnet::Plan;
use crate::network::Network;
use crate::node::Failure;
use crate::wallet::key::Key;
use crate::wallet::keyring::Keyring;
use crate::wallet::session_key::SessionFile;
use crate::wallet::sign::any;

/// Units of compute for a token of the demo model: its parameters in millions.
const UNITS_PER_TOKEN: u64 = 135;

struct Story<'a> {
    plan: &'a Plan,
    network: &'a Network,
    sight: Sight,
    keyring: Keyring,
    step: u32,
    max_mean_distance: u32,
}

/// Tells the whole story.
///
/// # Errors
/// A step was not seen on chain.
pub async fn tell(plan: &Plan, network: &Network, max_mean_distance: u32) -> Result<(), Failure> {
    let chain = ChainClient::new(&network.nodes[0].rpc, &network.chain_id)?;
    let keyring = Keyring::open(&plan.client_home(), "test")?;
    let mut story = Story {
        plan,
        network,
        sight: Sight { chain },
        keyring,
        step: 0,
        max_mean_distance,
    };
    story.genesis().await?;
    let proposal = story.propose_model().await?;
    story.beacon().await?;
    story.race().await?;
    story.model_is_loaded(proposal).await?;
    story.vote_price().await?;
    let opened = story.open_session().await?;
    let (honest, forged) = story.ask_both(&opened).await?;
    story.settled(&opened, honest, forged).await?;
    story.forger_is_found(&opened, forged).await?;
    story.honest_is_checked(&opened, honest).await?;
    story.price_moved().await?;
    story.paid(&opened, honest, forged).await?;
    say("\nEvery step was seen on chain.");
    Ok(())
}

/// The session of the story.
struct Opened {
    id: u64,
    file: SessionFile,
    epoch: u64,
    model_id: String,
    first_price: u128,
}

impl Story<'_> {
    fn title(&mut self, text: &str) {
        self.step = self.step.saturating_add(1);
        say(&format!("\n{}. {text}", self.step));
    }

    fn key(&self, name: &str) -> Result<Key, Failure> {
        Ok(self.keyring.get(name)?.1)
    }

    fn node_name(&self, address: &[u8]) -> String {
        let hex = hex::encode_upper(address);
        self.network
            .nodes
            .iter()
            .find(|n| n.validator == hex)
            .map_or_else(|| hex.clone(), |n| n.name.clone())
    }

    async fn send<M: prost::Name>(
        &self,
        from: &str,
        message: &M,
    ) -> Result<crate::client::Included, Failure> {
        Ok(self
            .sight
            .chain
            .send(&self.key(from)?, vec![any(message)], &TxOptions::default())
            .await?)
    }
}
