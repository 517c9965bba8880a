//! Nodes with all their keys.

use ed25519_dalek::SigningKey;
use race_proto::race::node::v1::{Endpoints, KeyProofs, MsgRegisterNode, NodeKeys};
use race_randomness::bls::SecretKey;
use race_randomness::dkg::Participant;
use sha2::{Digest, Sha256};

use super::Wallet;
use crate::address::{consensus_address, ConsensusAddress};
use crate::node::{genesis::GenesisNode, prove};

/// What a node does. All `false` is an honest node.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Sends nothing and signs nothing.
    pub offline: bool,
    /// Commits to beacon rounds and does not reveal.
    pub withholds: bool,
    /// Leaves its shares of rounds' signatures out of its votes and does not post them.
    pub does_not_sign: bool,
    /// Puts other bytes where its shares belong.
    pub junk_extensions: bool,
    /// Takes part in everything but the race.
    pub does_not_race: bool,
    /// Commits to leaves that are not what its nonces give.
    pub false_leaves: bool,
    /// Says of every leaf that it checks that it does not match.
    pub false_checks: bool,
    /// Does not open its leaves.
    pub does_not_open: bool,
    /// Does not deal or confirm for the next committee's key.
    pub not_ready: bool,
    /// Makes blocks without sending anything itself: a test sends for it.
    pub manual: bool,
}

/// A node.
pub struct TestNode {
    /// Its name; all keys come from it.
    pub name: String,
    /// Owns it.
    pub operator: Wallet,
    /// Sends for it.
    pub hot: Wallet,
    /// CometBFT's key.
    pub consensus: SigningKey,
    /// Duty lottery.
    pub duty: SecretKey,
    /// Share decryption.
    pub share: SecretKey,
    /// Transport.
    pub transport: SigningKey,
    /// Consensus address.
    pub address: ConsensusAddress,
    /// Derives its secrets of beacon rounds and key generations.
    pub secret: [u8; 32],
    /// Nonces that it finds in a race.
    pub nonces: u64,
    /// What it does.
    pub behaviour: Behaviour,
}

fn seed(name: &str, what: &str) -> [u8; 32] {
    Sha256::digest(format!("test node {name} {what}").as_bytes()).into()
}

impl TestNode {
    /// The node of a name: the same in every run.
    pub fn named(name: &str) -> Self {
        let consensus = SigningKey::from_bytes(&seed(name, "consensus"));
        let bls = |what| SecretKey::from_key_material(&seed(name, what)).expect("32 bytes suffice");
        Self {
            name: name.to_owned(),
            operator: Wallet::named(&format!("{name} operator")),
            hot: Wallet::named(&format!("{name} hot")),
            address: consensus_address(&consensus.verifying_key().to_bytes()),
            consensus,
            duty: bls("duty"),
            share: bls("share"),
            transport: SigningKey::from_bytes(&seed(name, "transport")),
            secret: seed(name, "secret"),
            nonces: 100,
            behaviour: Behaviour::default(),
        }
    }

    /// Its public keys and their proofs for a chain.
    pub fn keys(&self, chain_id: &str) -> (NodeKeys, KeyProofs) {
        let operator = &self.operator.account;
        prove(
            &self.consensus,
            &self.duty,
            &self.share,
            &self.transport,
            chain_id,
            operator,
        )
    }

    /// Its private side in key generations.
    pub fn participant(&self) -> Participant {
        Participant::new(self.address, &self.secret, self.share.clone())
    }

    /// Where it says that it serves.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            grpc: "127.0.0.1:9090".to_owned(),
            api: String::new(),
        }
    }

    /// Its entry in the genesis file.
    pub fn genesis(&self, chain_id: &str, power: u64) -> GenesisNode {
        GenesisNode::new(
            self.operator.address(),
            self.hot.address(),
            self.name.clone(),
            self.keys(chain_id),
            self.endpoints(),
            power,
        )
    }

    /// The message that registers it; the operator signs.
    pub fn registration(&self, chain_id: &str) -> MsgRegisterNode {
        let (keys, proofs) = self.keys(chain_id);
        MsgRegisterNode {
            operator: self.operator.address(),
            hot_account: self.hot.address(),
            moniker: self.name.clone(),
            keys: Some(keys),
            proofs: Some(proofs),
            endpoints: Some(self.endpoints()),
        }
    }
}
