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
use crate::tx::{decode, CheckedTx, Mode, Outcome};

/// Most bytes of users' transactions that wait. CometBFT's mempool takes 64 MiB of all: the rest is the
/// protocol's.
pub const USER_BYTES: u64 = 24 << 20;

/// Most protocol transactions of one account that wait, and most of their bytes. They are free, and a node has
/// few to send for a block; what is beyond it sends again after the block.
pub const PROTOCOL_PER_ACCOUNT: u64 = 32;
/// See [`PROTOCOL_PER_ACCOUNT`].
pub const PROTOCOL_BYTES_PER_ACCOUNT: u64 = 2 << 20;

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
    user_bytes: u64,
    by_account: BTreeMap<Account, Pending>,
}

/// What waits of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    /// It pays for them.
    user: u64,
    protocol: u64,
    protocol_bytes: u64,
}

impl Mempool {
    /// An empty mempool over committed state.
    pub fn new(state: State) -> Self {
        Self {
            state,
            waiting: Waiting::default(),
            user_bytes: 0,
            by_account: BTreeMap::new(),
        }
    }

    /// Checks a transaction. What is cheap comes first: size, form, quotas, whether its sender may send it at
    /// all; then fee and sequence, and only then signatures. Users have a quota, so that they cannot fill the
    /// mempool against the protocol, and so has each account that sends for free; a protocol transaction executes
    /// in full, so that none that fails gets in.
    pub fn check(&mut self, context: &Context<'_>, bytes: &[u8], recheck: bool) -> Outcome {
        let tx = match self.let_in(bytes) {
            Ok(tx) => tx,
            Err(error) => {
                return Outcome {
                    error: Some(error),
                    ..Outcome::default()
                }
            }
        };
        let mode = if recheck { Mode::Recheck } else { Mode::Check };
        let outcome = check(&mut self.state, context, &tx, mode);
        if outcome.error.is_none() {
            self.count(&tx);
        }
        self.state.take_events();
        outcome
    }

    fn let_in(&self, bytes: &[u8]) -> Result<CheckedTx, TxError> {
        let tx = decode(&self.state, bytes)?;
        match tx.lane {
            Lane::User => self.within_user_quota(&tx)?,
            Lane::Protocol => self.within_protocol_quota(&tx)?,
        }
        for (_, message) in &tx.messages {
            message.may_come(&self.state)?;
        }
        Ok(tx)
    }

    /// What was let in since the last block, which is all that waits: CometBFT checks again after a block
    /// what is left.
    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    fn count(&mut self, tx: &CheckedTx) {
        let pending = self.by_account.entry(tx.fee_payer).or_default();
        let size = size(tx);
        match tx.lane {
            Lane::Protocol => {
                self.waiting.protocol = self.waiting.protocol.saturating_add(1);
                pending.protocol = pending.protocol.saturating_add(1);
                pending.protocol_bytes = pending.protocol_bytes.saturating_add(size);
            }
            Lane::User => {
                self.waiting.user = self.waiting.user.saturating_add(1);
                self.user_bytes = self.user_bytes.saturating_add(size);
                pending.user = pending.user.saturating_add(1);
            }
        }
    }

    fn of(&self, account: &Account) -> Pending {
        self.by_account.get(account).copied().unwrap_or_default()
    }

    fn within_user_quota(&self, tx: &CheckedTx) -> Result<(), TxError> {
        let (payer, own) = (tx.fee_payer, self.of(&tx.fee_payer).user);
        let limit = get(&self.state, &PENDING_PER_ACCOUNT);
        if own >= limit {
            return Err(full(format!(
                "{payer} has {own} transactions waiting, at most {limit} may"
            )));
        }
        let limit = get(&self.state, &PENDING_OF_USERS);
        if self.waiting.user >= limit {
            return Err(full(format!(
                "{limit} transactions that pay gas are waiting"
            )));
        }
        match self.user_bytes.saturating_add(size(tx)) <= USER_BYTES {
            true => Ok(()),
            false => Err(full(format!(
                "transactions that pay gas are waiting, {} bytes of at most {USER_BYTES}",
                self.user_bytes
            ))),
        }
    }

    fn within_protocol_quota(&self, tx: &CheckedTx) -> Result<(), TxError> {
        let (payer, own) = (tx.fee_payer, self.of(&tx.fee_payer));
        let bytes = own.protocol_bytes.saturating_add(size(tx));
        match own.protocol < PROTOCOL_PER_ACCOUNT && bytes <= PROTOCOL_BYTES_PER_ACCOUNT {
            true => Ok(()),
            false => Err(full(format!(
                "{payer} has {} protocol transactions of {} bytes waiting, at most \
                 {PROTOCOL_PER_ACCOUNT} of {PROTOCOL_BYTES_PER_ACCOUNT} bytes may",
                own.protocol, own.protocol_bytes
            ))),
        }
    }
}

fn size(tx: &CheckedTx) -> u64 {
    u64::try_from(tx.size).unwrap_or(u64::MAX)
}

fn full(why: String) -> TxError {
    TxError::sdk(
        20,
        format!("{why}; try again after a block: mempool is full"),
    )
}

#[cfg(test)]
mod tests;
