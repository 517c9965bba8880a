//! The state that CheckTx works on: the last committed one, plus what the transactions already in
//! the mempool will do.

use std::collections::BTreeMap;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::message::Lane;
use crate::params::get;
use crate::state::State;
use crate::tx::execute::check;
use crate::tx::params::{PENDING_OF_USERS, PENDING_PER_ACCOUNT};
use crate::tx::{decode, Mode, Outcome};

/// Transactions that wait for a block, by lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The protocol's, which are free.
    pub protocol: u64,
    /// Those that pay gas.
    pub user: u64,
}

/// CheckTx's own state. A new block replaces it; CometBFT then checks again what is left.
pub struct Mempool {
    state: State,
    waiting: Waiting,
    by_account: BTreeMap<Account, u64>,
}

impl Mempool {
    /// An empty mempool over committed state.
    pub fn new(state: State) -> Self {
        Self {
            state,
            waiting: Waiting::default(),
            by_account: BTreeMap::new(),
        }
    }

    /// Checks a transaction. Users have a quota, so that they cannot fill the mempool against the
    /// protocol; a protocol transaction executes in full, so that none that fails gets in.
    pub fn check(&mut self, context: &Context<'_>, bytes: &[u8], recheck: bool) -> Outcome {
        let tx = match decode(&self.state, bytes) {
            Ok(tx) => tx,
            Err(error) => {
                return Outcome {
                    error: Some(error),
                    ..Outcome::default()
                }
            }
        };
        if tx.lane == Lane::User {
            if let Err(error) = self.within_quota(&tx.fee_payer) {
                return Outcome {
                    error: Some(error),
                    ..Outcome::default()
                };
            }
        }
        let mode = if recheck { Mode::Recheck } else { Mode::Check };
        let outcome = check(&mut self.state, context, &tx, mode);
        if outcome.error.is_none() {
            self.count(tx.lane, tx.fee_payer);
        }
        self.state.take_events();
        outcome
    }

    /// What was let in since the last block, which is all that waits: CometBFT checks again after a block
    /// what is left.
    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    fn count(&mut self, lane: Lane, payer: Account) {
        match lane {
            Lane::Protocol => self.waiting.protocol = self.waiting.protocol.saturating_add(1),
            Lane::User => {
                self.waiting.user = self.waiting.user.saturating_add(1);
                let pending = self.by_account.entry(payer).or_default();
                *pending = pending.saturating_add(1);
            }
        }
    }

    fn within_quota(&self, payer: &Account) -> Result<(), TxError> {
        let own = self.by_account.get(payer).copied().unwrap_or_default();
        let limit = get(&self.state, &PENDING_PER_ACCOUNT);
        if own >= limit {
            let log = format!("{payer} has {own} transactions waiting, at most {limit} may; try again after a block: mempool is full");
            return Err(TxError::sdk(20, log));
        }
        let limit = get(&self.state, &PENDING_OF_USERS);
        match self.waiting.user >= limit {
            false => Ok(()),
            true => {
                let log = format!("{limit} transactions that pay gas are waiting; try again after a block: mempool is full");
                Err(TxError::sdk(20, log))
            }
        }
    }
}
