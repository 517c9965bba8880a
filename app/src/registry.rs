//! Every message that a transaction may carry and every path that can be asked: one line for each
//! module.

use crate::error::Table;
use crate::message::MessageType;
use crate::query::QueryPath;
use crate::{
    auth, authz, bank, beacon, bond, duty, epoch, evidence, feegrant, gov, model, node, params,
    pricing, race, reputation, session, settlement, staking, treasury, upgrade,
};

/// The messages of all modules.
const MESSAGES: &[&[MessageType]] = &[
    authz::MESSAGES,
    bank::MESSAGES,
    beacon::MESSAGES,
    bond::MESSAGES,
    duty::MESSAGES,
    feegrant::MESSAGES,
    gov::MESSAGES,
    model::MESSAGES,
    node::MESSAGES,
    params::MESSAGES,
    pricing::MESSAGES,
    race::MESSAGES,
    session::MESSAGES,
    settlement::MESSAGES,
    upgrade::MESSAGES,
];

/// The queries of all modules.
const QUERIES: &[&[QueryPath]] = &[
    auth::QUERIES,
    authz::QUERIES,
    bank::QUERIES,
    beacon::QUERIES,
    bond::QUERIES,
    duty::QUERIES,
    epoch::QUERIES,
    evidence::QUERIES,
    feegrant::QUERIES,
    gov::QUERIES,
    gov::v1beta1::QUERIES,
    model::QUERIES,
    node::QUERIES,
    params::QUERIES,
    pricing::QUERIES,
    race::QUERIES,
    reputation::QUERIES,
    session::QUERIES,
    settlement::QUERIES,
    treasury::QUERIES,
    upgrade::QUERIES,
];

/// The errors of all modules, by codespace.
pub const ERRORS: &[Table] = &[
    authz::errors::Error::TABLE,
    feegrant::errors::Error::TABLE,
    gov::errors::Error::TABLE,
    beacon::errors::Error::TABLE,
    bond::errors::Error::TABLE,
    duty::errors::Error::TABLE,
    epoch::errors::Error::TABLE,
    model::errors::Error::TABLE,
    node::errors::Error::TABLE,
    pricing::errors::Error::TABLE,
    race::errors::Error::TABLE,
    session::errors::Error::TABLE,
    settlement::errors::Error::TABLE,
    upgrade::errors::Error::TABLE,
];

/// All message types.
pub fn messages() -> impl Iterator<Item = &'static MessageType> {
    MESSAGES.iter().flat_map(|list| list.iter())
}

/// Finds a message type by its `/package.Name`.
pub fn message(type_url: &str) -> Option<&'static MessageType> {
    messages().find(|message| message.type_url == type_url)
}

/// All query paths.
pub fn queries() -> impl Iterator<Item = &'static QueryPath> {
    let lists = QUERIES.iter().chain(staking::QUERIES);
    lists.flat_map(|list| list.iter())
}

/// Finds a query by its `/package.Query/Method`.
pub fn query(path: &str) -> Option<&'static QueryPath> {
    queries().find(|query| query.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_message_and_no_query_is_registered_twice() {
        let mut seen = BTreeSet::new();
        for name in messages()
            .map(|m| m.type_url)
            .chain(queries().map(|q| q.path))
        {
            assert!(seen.insert(name), "{name} is there twice");
        }
    }

    #[test]
    fn every_message_and_every_path_is_in_a_proto_file() {
        let pool = race_proto::descriptor_pool();
        for message in messages() {
            let name = message.type_url.strip_prefix('/').unwrap();
            assert!(pool.get_message_by_name(name).is_some(), "{name}");
        }
        for query in queries() {
            let (service, method) = query.path[1..].split_once('/').unwrap();
            let service = pool
                .get_service_by_name(service)
                .unwrap_or_else(|| panic!("{service}"));
            assert!(
                service.methods().any(|m| m.name() == method),
                "{}",
                query.path
            );
        }
    }
}
