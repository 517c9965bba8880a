//! What is always true of nodes.

use super::{keys, outside};
use crate::address::Account;
use crate::epoch;
use crate::state::State;

/// The nodes in no kept committee, and no others, stand in the line, each at its place, and are counted.
pub fn who_is_outside_stands_in_the_line(state: &State) -> Result<(), String> {
    let line = keys::OUTSIDE.all(state);
    let mut outside = 0usize;
    for node in super::all(state) {
        let address = super::address(&node);
        let place = (outside::place(state, &address, &node), address);
        let stands = keys::OUTSIDE.has(state, &place);
        if stands == epoch::in_a_kept_committee(state, &address) {
            let moniker = node.moniker;
            return Err(format!(
                "node {moniker:?} stands in the line of those outside the committees: {stands}"
            ));
        }
        outside = outside.saturating_add(usize::from(stands));
    }
    let counted = keys::OUTSIDE_COUNT.get_or_default(state);
    match line.len() == outside && u64::try_from(outside) == Ok(counted) {
        true => Ok(()),
        false => Err(format!(
            "{outside} nodes are outside, {} stand in the line, {counted} are counted",
            line.len()
        )),
    }
}

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
