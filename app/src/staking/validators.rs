//! Nodes as the SDK shows validators: members of the committee are bonded with their power as tokens,
//! other registered nodes are not bonded and have none.

use std::collections::BTreeMap;

use race_proto::cosmos::crypto::ed25519::PubKey;
use race_proto::cosmos::staking::v1beta1::{
    BondStatus, Commission, CommissionRates, Description, Validator,
};
use race_proto::race::epoch::v1::Member;
use race_proto::race::node::v1::Node;

use crate::address::{Account, ConsensusAddress, OPERATOR_PREFIX};
use crate::error::QueryError;
use crate::message::response as packed;
use crate::state::State;
use crate::time::timestamp;
use crate::{decimal, epoch, node};

/// A list with the keys of its pages.
pub type Keyed = Vec<(Vec<u8>, Validator)>;

type Committee = BTreeMap<ConsensusAddress, Member>;

fn committee(state: &State) -> Committee {
    epoch::committee(state, epoch::current(state).number)
}

/// All of a status; the empty text stands for any.
pub fn all(state: &State, status: &str) -> Result<Keyed, QueryError> {
    let wanted = match status {
        "" => None,
        name => match BondStatus::from_str_name(name) {
            Some(status) if status != BondStatus::Unspecified => Some(status as i32),
            _ => {
                let log = format!("invalid validator status {name}");
                return Err(QueryError::InvalidArgument(log));
            }
        },
    };
    let committee = committee(state);
    let list = node::all(state).into_iter();
    let list = list.map(|node| (node.address.clone(), shown(&node, &committee)));
    let of_status = |v: &Validator| wanted.is_none_or(|wanted| v.status == wanted);
    Ok(list.filter(|(_, v)| of_status(v)).collect())
}

/// The validator of an operator's address.
pub fn one(state: &State, address: &str) -> Result<Validator, QueryError> {
    if address.is_empty() {
        let log = "validator address cannot be empty".to_owned();
        return Err(QueryError::InvalidArgument(log));
    }
    let operator = Account::parse_with(OPERATOR_PREFIX, address)
        .map_err(|e| QueryError::InvalidArgument(e.to_string()))?;
    let missing = || QueryError::NotFound(format!("validator {address} not found"));
    let node = node::by_operator(state, &operator).ok_or_else(missing)?;
    Ok(shown(&node, &committee(state)))
}

fn shown(node: &Node, committee: &Committee) -> Validator {
    let member = committee.get(&node::address(node));
    let power = u128::from(member.map_or(0, |member| member.power));
    let status = match member {
        Some(_) => BondStatus::Bonded,
        None => BondStatus::Unbonded,
    };
    let zero = || "0".to_owned();
    Validator {
        operator_address: node::operator(node).with_prefix(OPERATOR_PREFIX),
        consensus_pubkey: Some(packed(&PubKey {
            key: node::public_key(node).to_vec(),
        })),
        status: status as i32,
        tokens: power.to_string(),
        delegator_shares: decimal::fraction(power, 1),
        description: Some(Description {
            moniker: node.moniker.clone(),
            ..Description::default()
        }),
        unbonding_time: Some(timestamp(0)),
        commission: Some(Commission {
            commission_rates: Some(CommissionRates {
                rate: zero(),
                max_rate: zero(),
                max_change_rate: zero(),
            }),
            update_time: Some(timestamp(0)),
        }),
        min_self_delegation: "1".to_owned(),
        ..Validator::default()
    }
}
