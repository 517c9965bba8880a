//! This node's private side of the committee's keys: what it knows of the deals it checked, and its
//! shares of the key in force. Nothing of it is on disk: shares are recovered from the chain's state
//! with the node's share key, and overwritten when their epoch is over.

use race_app::beacon::keygen;
use race_app::epoch;
use race_randomness::dkg::{Participant, SecretShares};

use crate::protocol::{self, Identity, View, Wanted};

/// The private side. Debug shows nothing of it.
#[derive(Debug)]
pub struct Committee {
    participant: Participant,
    /// The epoch for which shares were looked for, and those found.
    shares: Option<(u64, Option<SecretShares>)>,
}

impl Committee {
    /// The private side of a node.
    pub fn new(me: &Identity) -> Self {
        let (node, share) = (me.secrets.node.as_slice(), me.secrets.share.clone());
        Self {
            participant: Participant::new(me.address, node, share),
            shares: None,
        }
    }

    /// What the key generation that is under way wants from this node.
    pub fn wanted(&mut self, view: &View, me: &Identity) -> Vec<Wanted> {
        protocol::keygen::wanted(view, me, &mut self.participant)
    }

    /// Recovers the shares of the epoch's key, once it has one.
    pub fn follow(&mut self, view: &View, me: &Identity) {
        let epoch = epoch::current(&view.state).number;
        let known = self.shares.as_ref().is_some_and(|(of, _)| *of == epoch);
        if known || keygen::key(&view.state, epoch).is_none() {
            return;
        }
        self.shares = Some((epoch, self.recover(view, me, epoch)));
        tracing::info!(
            epoch,
            shares = self.shares(),
            "the committee's key is in force"
        );
    }

    fn recover(&self, view: &View, me: &Identity, epoch: u64) -> Option<SecretShares> {
        let (board, key) = keygen::shares_of(&view.state, &me.chain_id, epoch)?;
        board.session().member(&me.address).ok()?;
        match self
            .participant
            .secret_shares(board.session(), board.qualified(), &key)
        {
            Ok(shares) => Some(shares),
            Err(error) => {
                tracing::error!(epoch, %error, "this node has no shares of the committee's key");
                None
            }
        }
    }

    /// How many shares of the key in force this node holds.
    pub fn shares(&self) -> usize {
        let shares = self.shares.as_ref().and_then(|(_, found)| found.as_ref());
        shares.map_or(0, |shares| shares.iter().count())
    }
}
