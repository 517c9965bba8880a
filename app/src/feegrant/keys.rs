//! Keys of `feegrant`.

use race_proto::cosmos::feegrant::v1beta1::Grant;

use crate::address::Account;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "feegrant";

/// Allowances by grantee and granter.
pub(super) const ALLOWANCES: Map<(Account, Account), Grant> = Map::new(STORE, "allowance");

/// The same by granter and grantee.
pub(super) const BY_GRANTER: Map<(Account, Account), ()> = Map::new(STORE, "granter");

/// Allowances that expire: by header time in ms, grantee and granter.
pub(super) const QUEUE: Map<(u64, Account, Account), ()> = Map::new(STORE, "queue");
