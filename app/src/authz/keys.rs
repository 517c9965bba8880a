//! Keys of `authz`.

use race_proto::cosmos::authz::v1beta1::Grant;

use crate::address::Account;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "authz";

/// Grants by granter, grantee and type URL.
pub(super) const GRANTS: Map<(Account, Account, String), Grant> = Map::new(STORE, "grant");

/// The same by grantee, granter and type URL.
pub(super) const BY_GRANTEE: Map<(Account, Account, String), ()> = Map::new(STORE, "grantee");

/// Grants that expire: by header time in ms, granter, grantee and type URL.
pub(super) const QUEUE: Map<(u64, Account, Account, String), ()> = Map::new(STORE, "queue");
