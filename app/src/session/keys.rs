//! Keys of `session`.

use race_proto::race::session::v1::{Pin, Session};

use crate::address::Account;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "session";

/// Sessions by id.
pub(super) const SESSIONS: Map<u64, Session> = Map::new(STORE, "session");

/// The next id; ids begin at 1.
pub(super) const NEXT_ID: Item<u64> = Item::new(STORE, "next_id");

/// Pins by (epoch, session).
pub(super) const PINS: Map<(u64, u64), Pin> = Map::new(STORE, "pin");

/// Sessions that are not closed.
pub(super) const OPEN: Map<u64, ()> = Map::new(STORE, "open");

/// How many those are.
pub(super) const OPEN_COUNT: Item<u64> = Item::new(STORE, "open_count");

/// How many of them each owner has; none for an owner without any.
pub(super) const OPEN_BY_OWNER: Map<Account, u64> = Map::new(STORE, "open_by_owner");

/// Sessions by the block at whose end they are closed: (height, session).
pub(super) const ENDS: Map<(u64, u64), ()> = Map::new(STORE, "end");

/// The epoch in which something was last settled of an open session, or else it was opened.
pub(super) const USED: Map<u64, u64> = Map::new(STORE, "used");

/// Open sessions by that epoch: (epoch, session).
pub(super) const LINE: Map<(u64, u64), ()> = Map::new(STORE, "line");

/// Sessions by owner.
pub(super) const OWNERS: Map<(Account, u64), ()> = Map::new(STORE, "owner");

/// Closed sessions by the epoch in which they were closed.
pub(super) const CLOSED: Map<(u64, u64), ()> = Map::new(STORE, "closed");
