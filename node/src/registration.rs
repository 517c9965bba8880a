//! A node's registration: what it says of itself, and saying it when the chain does not know the node.
//!
//! A node whose operator's key is in its home registers by itself once it has caught up with the chain,
//! and again after the chain has forgotten it. So joining, and coming back after a long time away, need
//! nothing but a running node. Where the operator keeps the key elsewhere: `raced tx node register`.

use std::time::{Duration, SystemTime};

use race_app::address::Account;
use race_app::{auth, node};
use race_proto::race::node::v1::{Endpoints, MsgRegisterNode};

use crate::comet::keys::ValidatorKey;
use crate::config::Config;
use crate::protocol::{Identity, View, Wanted};
use crate::secrets::Secrets;
use crate::sender::{AccountState, Sender};

/// A block that is older belongs to the past: the node still catches up.
const CAUGHT_UP: Duration = Duration::from_secs(60);

/// Where others reach the node's gRPC: what is configured, or where it listens if that can be reached
/// from elsewhere (or all nodes share one machine).
pub fn endpoint(config: &Config) -> Option<String> {
    let listen = config.grpc.listen;
    let reachable =
        !listen.ip().is_unspecified() && (config.comet.local || !listen.ip().is_loopback());
    match config.grpc.external.as_str() {
        "" => reachable.then(|| listen.to_string()),
        external => Some(external.to_owned()),
    }
}

/// What a node says of itself.
pub struct Said {
    /// The account that signs for it.
    pub hot_account: String,
    /// The name that others see.
    pub moniker: String,
    /// Where it is reached.
    pub endpoints: Endpoints,
}

/// The message that registers the node of these keys under `operator`.
pub fn message(
    validator: &ValidatorKey,
    secrets: &Secrets,
    chain_id: &str,
    operator: &Account,
    said: Said,
) -> MsgRegisterNode {
    let (keys, proofs) = node::prove(
        validator.signing_key(),
        &secrets.duty,
        &secrets.share,
        &secrets.transport,
        chain_id,
        operator,
    );
    MsgRegisterNode {
        operator: operator.to_string(),
        hot_account: said.hot_account,
        moniker: said.moniker,
        keys: Some(keys),
        proofs: Some(proofs),
        endpoints: Some(said.endpoints),
    }
}

/// What an operator does about a node that others cannot reach.
pub const SET_EXTERNAL: &str =
    "set [grpc] external in config/app.toml to the HOST:PORT where they can, and grpc.listen to an address \
     that takes connections from outside, such as 0.0.0.0:9090";

/// Registers the node when the chain does not know it.
pub struct Registrar {
    /// The operator's sender and the message; without them what the operator has to do.
    prepared: Result<(Sender, MsgRegisterNode), String>,
    told: bool,
}

impl Registrar {
    /// One that sends `prepared`, or says why it cannot and what to do.
    pub fn new(prepared: Result<(Sender, MsgRegisterNode), String>) -> Self {
        Self {
            prepared,
            told: false,
        }
    }

    /// After each block: sends the registration if it is wanted.
    pub async fn follow(&mut self, view: &View, me: &Identity) {
        if node::get(&view.state, &me.address).is_some() {
            self.told = false;
            return;
        }
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        if now.saturating_sub(Duration::from_millis(view.time_ms)) > CAUGHT_UP {
            return;
        }
        let first = !std::mem::replace(&mut self.told, true);
        let (sender, message) = match &mut self.prepared {
            Ok(prepared) => prepared,
            Err(todo) => {
                if first {
                    tracing::warn!("the chain does not know this node: {todo}");
                }
                return;
            }
        };
        if first {
            tracing::info!(operator = message.operator, "registering this node");
        }
        // An account that is not on chain yet signs with zeros.
        let operator = Account::parse(&message.operator).ok();
        let known = operator.and_then(|operator| auth::account(&view.state, &operator));
        let account = known.map_or(
            AccountState {
                number: 0,
                sequence: 0,
            },
            |account| AccountState {
                number: account.account_number,
                sequence: account.sequence,
            },
        );
        let wanted = Wanted::new("node/register", message);
        sender.send(view.height, account, vec![wanted]).await;
    }
}
