//! A next version of the state machine, with another layout of state: accounts are found by their number.

use crate::address::Account;
use crate::auth;
use crate::block::{self, Block};
use crate::context::Context;
use crate::state::{Map, State};
use crate::upgrade::{Migration, Program, APP_VERSION};

/// The program of that version.
pub const NEXT: Program = Program {
    version: APP_VERSION + 1,
    migrations: &[Migration {
        from: APP_VERSION,
        run: index,
    }],
    begin_block,
};

/// Addresses of accounts by their number: what the layout adds.
pub const BY_NUMBER: Map<u64, Vec<u8>> = Map::new(auth::STORE, "by_number");

/// Every account of the old layout.
fn index(state: &mut State) {
    for (account, record) in auth::all(state) {
        BY_NUMBER.put(state, &record.account_number, &account.0.to_vec());
    }
}

/// The account with a number.
pub fn account_by_number(state: &State, number: u64) -> Option<Account> {
    let address = BY_NUMBER.get(state, &number)?;
    Some(Account(address.try_into().expect("20 bytes")))
}

/// Reads the layout, and enters the accounts that the last block made.
fn begin_block(state: &mut State, context: &Context<'_>, block: &Block) {
    let first = account_by_number(state, 0);
    assert!(first.is_some(), "the state was not migrated");
    for (account, record) in auth::all(state) {
        if account_by_number(state, record.account_number).is_none() {
            BY_NUMBER.put(state, &record.account_number, &account.0.to_vec());
        }
    }
    block::begin(state, context, block);
}
