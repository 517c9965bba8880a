//! What is always true of nodes.

use super::keys;
use crate::address::Account;
use crate::state::State;

/// Every node's operator and hot account lead back to it, and no account leads to a node that is
/// not there.
pub fn accounts_lead_to_their_nodes(state: &State) -> Result<(), String> {
    for node in super::all(state) {
        let leads = |text: &str, map: &crate::state::Map<Account, Vec<u8>>| {
            let account = Account::parse(text).ok();
            account.and_then(|a| map.get(state, &a)).as_ref() == Some(&node.address)
        };
        if !leads(&node.operator, &keys::OPERATORS) || !leads(&node.hot_account, &keys::HOT) {
            return Err(format!(
                "an account of node {:?} does not lead to it",
                node.moniker
            ));
        }
    }
    for (account, address) in keys::OPERATORS
        .all(state)
        .into_iter()
        .chain(keys::HOT.all(state))
    {
        if super::get(state, &super::member(&address)).is_none() {
            return Err(format!("{account} leads to no node"));
        }
    }
    Ok(())
}
