//! This node's private side of the committee's keys: what it knows of the deals it checked, and its
//! shares of the keys in force. Nothing of it is on disk: shares are recovered from the chain's state
//! with the node's share key, and overwritten when their epoch is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use race_app::beacon::keygen;
use race_app::beacon::signing::{self, BeaconSigner};
use race_app::epoch;
use race_randomness::dkg::{Participant, SecretShares};
use race_randomness::scheme::{Blst, Message, ThresholdCrypto};
use race_randomness::signing::extension;

use crate::config::Scheme;
use crate::protocol::{self, Identity, View, Wanted};

/// A node's shares by the epoch whose key they are of; nothing where it has none. The loop puts them in,
/// votes are extended with them. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Shares {
    known: Arc<Mutex<BTreeMap<u64, Option<SecretShares>>>>,
    scheme: Scheme,
}

impl Shares {
    /// No shares yet; they will sign with this implementation.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            ..Self::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Option<SecretShares>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many shares of an epoch's key this node holds.
    fn count(&self, epoch: u64) -> usize {
        let known = self.lock();
        let shares = known.get(&epoch).and_then(Option::as_ref);
        shares.map_or(0, |shares| shares.iter().count())
    }
}

impl BeaconSigner for Shares {
    fn sign(&self, epoch: u64, message: &Message) -> Option<Vec<u8>> {
        let known = self.lock();
        let shares = known.get(&epoch)?.as_ref()?;
        Some(match self.scheme {
            Scheme::Blst => extension::<Blst>(shares, message),
            Scheme::ThresholdCrypto => extension::<ThresholdCrypto>(shares, message),
        })
    }
}

/// The private side. Debug shows nothing of it.
#[derive(Debug)]
pub struct Committee {
    participant: Participant,
    shares: Shares,
    /// The epoch whose shares were looked for last.
    looked_for: u64,
}

impl Committee {
    /// The private side of a node; its shares are put into `shares`.
    pub fn new(me: &Identity, shares: Shares) -> Self {
        Self {
            participant: participant(me),
            shares,
            looked_for: 0,
        }
    }

    /// What the key generation that is under way wants from this node.
    pub fn wanted(&mut self, view: &View, me: &Identity) -> Vec<Wanted> {
        protocol::keygen::wanted(view, me, &mut self.participant)
    }

    /// A complaint about a good deal of somebody else, as a misbehaving node makes it.
    pub fn false_complaint(&self, view: &View, me: &Identity) -> Option<Wanted> {
        protocol::keygen::false_complaint(view, me, &self.participant)
    }

    /// Recovers the shares of the epoch's key, once it has one, on a thread of its own: with a hundred
    /// dealers that takes half a second, in which blocks go on. The shares of the epoch before stay for
    /// the rounds that it left open.
    pub fn follow(&mut self, view: &View, me: &Arc<Identity>) {
        let epoch = epoch::current(&view.state).number;
        if self.looked_for == epoch || keygen::key(&view.state, epoch).is_none() {
            return;
        }
        self.looked_for = epoch;
        let (state, me, shares) = (view.state.clone(), Arc::clone(me), self.shares.clone());
        let recover = move || {
            let recovered = recover(&state, &me, epoch);
            shares.lock().insert(epoch, recovered);
            shares.lock().retain(|of, _| of.saturating_add(1) >= epoch);
            let held = shares.count(epoch);
            tracing::info!(epoch, shares = held, "the committee's key is in force");
            // So that no block waits for it.
            signing::prepare(&state, epoch);
        };
        let thread = std::thread::Builder::new().name("shares".to_owned());
        if let Err(error) = thread.spawn(recover) {
            tracing::error!(%error, "cannot start a thread to recover shares; trying again at the next block");
            self.looked_for = 0;
        }
    }

    /// This node's shares, for messages that carry them.
    pub fn signer(&self) -> &Shares {
        &self.shares
    }

    /// How many shares of the key in force this node holds.
    pub fn shares(&self) -> usize {
        self.shares.count(self.looked_for)
    }
}

fn participant(me: &Identity) -> Participant {
    let (node, share) = (me.secrets.node.as_slice(), me.secrets.share.clone());
    Participant::new(me.address, node, share)
}

fn recover(state: &race_app::state::State, me: &Identity, epoch: u64) -> Option<SecretShares> {
    let (board, key) = keygen::shares_of(state, &me.chain_id, epoch)?;
    board.session().member(&me.address).ok()?;
    let shares = participant(me).secret_shares(board.session(), board.qualified(), &key);
    match shares {
        Ok(shares) => Some(shares),
        Err(error) => {
            tracing::error!(epoch, %error, "this node has no shares of the committee's key");
            None
        }
    }
}
