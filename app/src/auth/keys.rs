//! Keys of `auth`.

use race_proto::cosmos::auth::v1beta1::BaseAccount;

use crate::address::Account;
use crate::state::{Item, Map};

/// The store of this module.
pub const STORE: &str = "auth";

/// Accounts by address.
pub(super) const ACCOUNTS: Map<Account, BaseAccount> = Map::new(STORE, "account");

/// The number of the next account.
pub(super) const NEXT_NUMBER: Item<u64> = Item::new(STORE, "next_number");
