//! Keys of `gov`.

use race_proto::cosmos::gov::v1::{Deposit, Proposal, Vote};

use crate::address::Account;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "gov";

/// Proposals by id, also those that are over.
pub(super) const PROPOSALS: Map<u64, Proposal> = Map::new(STORE, "proposal");

/// Open proposals by id, with the header time in ms at which their period ends.
pub(super) const OPEN: Map<u64, u64> = Map::new(STORE, "open");

/// Deposits of open proposals.
pub(super) const DEPOSITS: Map<(u64, Account), Deposit> = Map::new(STORE, "deposit");

/// Votes on open proposals.
pub(super) const VOTES: Map<(u64, Account), Vote> = Map::new(STORE, "vote");

/// The id of the next proposal.
pub(super) const NEXT_ID: Item<u64> = Item::new(STORE, "next_id");
