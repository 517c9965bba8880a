//! Accounts: number, sequence and public key, as the SDK's `auth` keeps them.
//!
//! An account comes into being when it first receives coins, when a node registers it, or at
//! genesis. Module accounts have no key and can never sign.

mod keys;
pub mod queries;
pub mod vesting;

use race_proto::cosmos::auth::v1beta1::BaseAccount;

use crate::address::Account;
use crate::state::State;

pub use keys::STORE;
pub use queries::QUERIES;

/// Every module account.
pub const MODULE_ACCOUNTS: &[&str] = &[
    "fee_collector",
    "gov",
    "session_escrow",
    "settlement_held",
    "rewards_held",
    "bonds_held",
    "training_fund",
    "treasury",
];

/// Gas fees wait here for the switch.
pub const FEE_COLLECTOR: &str = "fee_collector";

/// The account of a module.
pub fn module_account(name: &str) -> Account {
    debug_assert!(
        MODULE_ACCOUNTS.contains(&name),
        "{name} is no module account"
    );
    Account::of_module(name)
}

/// The name of the module that an account belongs to, if it is a module's.
pub fn module_name(account: &Account) -> Option<&'static str> {
    MODULE_ACCOUNTS
        .iter()
        .find(|name| Account::of_module(name) == *account)
        .copied()
}

/// The account's record.
pub fn account(state: &State, account: &Account) -> Option<BaseAccount> {
    keys::ACCOUNTS.get(state, account)
}

/// Stores an account's record.
pub fn set_account(state: &mut State, account: &Account, record: &BaseAccount) {
    keys::ACCOUNTS.put(state, account, record);
}

/// Creates the account if it is not there: the next number, sequence 0, no public key.
pub fn ensure_account(state: &mut State, account: &Account) {
    if keys::ACCOUNTS.has(state, account) {
        return;
    }
    let account_number = keys::NEXT_NUMBER.next(state, 0);
    let record = BaseAccount {
        address: account.to_string(),
        pub_key: None,
        account_number,
        sequence: 0,
    };
    keys::ACCOUNTS.put(state, account, &record);
}

/// All accounts, in the order of their addresses.
pub fn all(state: &State) -> Vec<(Account, BaseAccount)> {
    keys::ACCOUNTS.all(state)
}

/// Creates the module accounts.
pub fn init_genesis(state: &mut State) {
    for name in MODULE_ACCOUNTS {
        ensure_account(state, &module_account(name));
    }
}
