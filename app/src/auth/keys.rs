//! Keys of `auth`.

use race_proto::cosmos::auth::v1beta1::BaseAccount;
use race_proto::Any;

use crate::address::Account;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "auth";

/// Accounts by address.
pub(super) const ACCOUNTS: Map<Account, BaseAccount> = Map::new(STORE, "account");

/// Which accounts have coins that become free with time.
pub(super) const VESTING: Map<Account, Any> = Map::new(STORE, "vesting");

/// The number of the next account.
pub(super) const NEXT_NUMBER: Item<u64> = Item::new(STORE, "next_number");
