//! Members' shares of committees' keys, as their nodes hold them.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use race_proto::race::beacon::v1::RoundSignature;
use race_randomness::dkg::{Participant, SecretShares};
use race_randomness::scheme::{Blst, Message};
use race_randomness::signing::extension;

use crate::address::ConsensusAddress;
use crate::beacon::keygen;
use crate::beacon::signing::{self, BeaconSigner, Extensions};
use crate::state::State;

/// Shares by group key and member: recovered once in a process.
type Known = BTreeMap<(Vec<u8>, ConsensusAddress), Arc<SecretShares>>;

static SHARES: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// A node without shares.
pub struct NoShares;

impl BeaconSigner for NoShares {
    fn sign(&self, _: u64, _: &Message) -> Option<Vec<u8>> {
        None
    }
}

/// The shares of one member of the committees that a state knows.
pub struct Signer<'a> {
    /// Where deals are.
    pub state: &'a State,
    /// The chain.
    pub chain_id: &'a str,
    /// The member.
    pub address: ConsensusAddress,
    /// Its private side.
    pub participant: Participant,
}

impl BeaconSigner for Signer<'_> {
    fn sign(&self, epoch: u64, message: &Message) -> Option<Vec<u8>> {
        let shares = self.shares(epoch)?;
        Some(extension::<Blst>(&shares, message))
    }
}

impl Signer<'_> {
    fn shares(&self, epoch: u64) -> Option<Arc<SecretShares>> {
        let name = (keygen::key(self.state, epoch)?.group, self.address);
        let lock = || SHARES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&name) {
            return Some(Arc::clone(known));
        }
        let (board, key) = keygen::shares_of(self.state, self.chain_id, epoch)?;
        board.session().member(&self.address).ok()?;
        let shares = self
            .participant
            .secret_shares(board.session(), board.qualified(), &key);
        let shares = Arc::new(shares.ok()?);
        lock().insert(name, Arc::clone(&shares));
        Some(shares)
    }
}

/// The signatures that these members' votes for the block at `height` give.
pub fn signatures(
    state: &State,
    chain_id: &str,
    height: u64,
    members: impl Iterator<Item = (ConsensusAddress, Participant)>,
) -> Vec<RoundSignature> {
    use prost::Message as _;
    let awaited = signing::awaited(state, chain_id);
    if awaited.is_empty() {
        return Vec::new();
    }
    let mut seen = Extensions::default();
    for (address, participant) in members {
        let signer = Signer {
            state,
            chain_id,
            address,
            participant,
        };
        let extension = signing::extension(state, chain_id, height, &signer);
        seen.take(&awaited, address, &extension.encode_to_vec().into());
    }
    signing::combine(state, &awaited, &seen)
}
