//! What `authz` hands over when a chain ends.

use race_proto::cosmos::authz::v1beta1::GrantAuthorization;

use super::{is_over, keys};
use crate::chain;
use crate::state::State;

/// Every grant that still holds.
pub fn grants(state: &State) -> Vec<GrantAuthorization> {
    let now = chain::time_ms(state);
    let holds = keys::GRANTS.all(state).into_iter();
    let holds = holds.filter(|(_, grant)| !is_over(grant, now));
    holds
        .map(|((granter, grantee, _), grant)| GrantAuthorization {
            granter: granter.to_string(),
            grantee: grantee.to_string(),
            authorization: grant.authorization,
            expiration: grant.expiration,
        })
        .collect()
}
