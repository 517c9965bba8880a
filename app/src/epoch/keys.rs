//! Keys of `epoch`.

use race_proto::race::epoch::v1::{Epoch, EpochRecord, Member, Validator};

use crate::address::ConsensusAddress;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "epoch";

/// Where the calendar stands.
pub(super) const CURRENT: Item<Epoch> = Item::new(STORE, "current");

/// Committees, by epoch and address.
pub(super) const MEMBERS: Map<(u64, ConsensusAddress), Member> = Map::new(STORE, "member");

/// Finished epochs, by number.
pub(super) const RECORDS: Map<u64, EpochRecord> = Map::new(STORE, "record");

/// What CometBFT was last told, by address.
pub(super) const VALIDATORS: Map<ConsensusAddress, Validator> = Map::new(STORE, "validator");

/// Sum of the accepted counts with which the first key attempt of this race attempt began.
pub(super) const ACCEPTED: Item<u64> = Item::new(STORE, "accepted");

/// Blocks of this epoch that an address signed.
pub(super) const SIGNED: Map<ConsensusAddress, u64> = Map::new(STORE, "signed");

/// Blocks of this epoch whose signatures were counted.
pub(super) const COUNTED: Item<u64> = Item::new(STORE, "counted");
