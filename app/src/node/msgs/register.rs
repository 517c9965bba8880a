//! `MsgRegisterNode`: a node with all its keys.

use race_proto::race::node::v1::{
    Endpoints, KeyProofs, MsgRegisterNode, MsgRegisterNodeResponse, Node, NodeKeys,
};
use race_proto::Any;
use sha2::{Digest, Sha256};

use crate::address::{consensus_address, Account, ConsensusAddress};
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::node::{self, errors::Error, events, keys, params, possession};
use crate::state::State;
use crate::tx::gas;
use crate::{auth, epoch};

/// A registration whose fields have the right shapes. Invariant: the proofs are not verified yet.
pub(in crate::node) struct Register {
    pub operator: Account,
    pub hot_account: Account,
    pub moniker: String,
    pub keys: NodeKeys,
    pub proofs: KeyProofs,
    pub endpoints: Endpoints,
    consensus: [u8; 32],
}

impl Register {
    pub(in crate::node) fn check(msg: MsgRegisterNode) -> Result<Self, Error> {
        let operator = super::account(&msg.operator, "operator")?;
        let hot_account = super::account(&msg.hot_account, "hot account")?;
        super::check_moniker(&msg.moniker)?;
        let keys = msg.keys.unwrap_or_default();
        let consensus = possession::check_shape(&keys)?;
        let endpoints = msg.endpoints.unwrap_or_default();
        super::check_endpoints(&endpoints)?;
        let proofs = msg.proofs.unwrap_or_default();
        Ok(Self {
            operator,
            hot_account,
            moniker: msg.moniker,
            keys,
            proofs,
            endpoints,
            consensus,
        })
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    Ok(Box::new(Register::check(decode(bytes)?)?))
}

impl CheckedMsg for Register {
    fn signer(&self) -> Account {
        self.operator
    }

    fn lane(&self) -> Lane {
        Lane::Protocol
    }

    fn gas(&self) -> u64 {
        gas::LARGE
    }

    /// Anybody may register; what is cheap to see is seen before signatures and proofs.
    fn may_come(&self, state: &State) -> Result<(), TxError> {
        Ok(check_free(state, self).and_then(|()| check_room(state).map(drop))?)
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        if let Some(address) = check_room(state)? {
            node::outside::forget(state, &address);
        }
        let registered = keys::REGISTERED.get_or_default(state);
        let node = insert(state, context, self, epoch::current(state).number)?;
        keys::REGISTERED.put(state, &registered.saturating_add(1));
        Ok(response(&MsgRegisterNodeResponse {
            address: node.address,
        }))
    }
}

/// Whether the next block takes another registration, and whose place it takes, if anybody's.
fn check_room(state: &State) -> Result<Option<ConsensusAddress>, Error> {
    let limit = crate::params::get(state, &params::PER_BLOCK);
    match keys::REGISTERED.get_or_default(state) < limit {
        true => node::outside::room(state, epoch::current(state).number),
        false => Err(Error::BlockFull { limit }),
    }
}

/// Whether no other node has these keys and accounts.
fn check_free(state: &State, new: &Register) -> Result<(), Error> {
    for (what, key) in node::uses(&new.keys) {
        if keys::KEYS.has(state, &Sha256::digest(key).into()) {
            return Err(Error::KeyTaken { what });
        }
    }
    if keys::OPERATORS.has(state, &new.operator) {
        return Err(Error::AccountTaken {
            account: new.operator,
        });
    }
    if node::by_account(state, &new.hot_account).is_some() {
        return Err(Error::AccountTaken {
            account: new.hot_account,
        });
    }
    Ok(())
}

/// Adds a node after checking that its keys and accounts are free and its proofs hold.
pub(in crate::node) fn insert(
    state: &mut State,
    context: &Context<'_>,
    new: &Register,
    epoch: u64,
) -> Result<Node, Error> {
    check_free(state, new)?;
    possession::verify(&new.keys, &new.proofs, context.chain_id, &new.operator)?;

    let address = consensus_address(&new.consensus);
    let node = Node {
        address: address.to_vec(),
        operator: new.operator.to_string(),
        hot_account: new.hot_account.to_string(),
        moniker: new.moniker.clone(),
        keys: Some(new.keys.clone()),
        endpoints: Some(new.endpoints.clone()),
        registered_height: context.height,
        registered_epoch: epoch,
        last_race_epoch: 0,
    };
    put(state, &node, &new.operator, &new.hot_account);
    auth::ensure_account(state, &new.operator);
    auth::ensure_account(state, &new.hot_account);
    events::registered(state, &node);
    Ok(node)
}

/// Writes a new node, with what leads to it.
pub(in crate::node) fn put(state: &mut State, node: &Node, operator: &Account, hot: &Account) {
    let address = node::address(node);
    keys::NODES.put(state, &address, node);
    for (_, key) in node.keys.iter().flat_map(node::uses) {
        keys::KEYS.put(state, &Sha256::digest(key).into(), &node.address);
    }
    keys::OPERATORS.put(state, operator, &node.address);
    keys::HOT.put(state, hot, &node.address);
    node::outside::enter(state, &address, node);
}
