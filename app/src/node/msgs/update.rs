//! `MsgUpdateNode`: endpoints, moniker, hot account.

use race_proto::race::node::v1::{Endpoints, MsgUpdateNode, MsgUpdateNodeResponse};
use race_proto::Any;

use crate::address::Account;
use crate::auth;
use crate::context::Context;
use crate::error::TxError;
use crate::message::{decode, response, CheckedMsg, Lane};
use crate::node::{self, errors::Error, keys};
use crate::state::State;
use crate::tx::gas;

struct Update {
    operator: Account,
    hot_account: Account,
    moniker: String,
    endpoints: Endpoints,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgUpdateNode = decode(bytes)?;
    let operator = super::account(&msg.operator, "operator")?;
    let hot_account = super::account(&msg.hot_account, "hot account")?;
    super::check_moniker(&msg.moniker)?;
    let endpoints = msg.endpoints.unwrap_or_default();
    super::check_endpoints(&endpoints)?;
    Ok(Box::new(Update {
        operator,
        hot_account,
        moniker: msg.moniker,
        endpoints,
    }))
}

impl CheckedMsg for Update {
    fn signer(&self) -> Account {
        self.operator
    }

    /// Pays gas: unlike what the protocol asks of a node, nothing bounds how often it is sent.
    fn lane(&self) -> Lane {
        Lane::User
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, _: &Context<'_>) -> Result<Any, TxError> {
        let mut node = node::by_operator(state, &self.operator).ok_or(Error::NotAnOperator {
            sender: self.operator,
        })?;
        let address = node::address(&node);
        let hot_account = self.hot_account.to_string();
        if hot_account != node.hot_account {
            // An account may be the hot account of another node and yet speak for this one, as its operator.
            let hot = keys::HOT.get(state, &self.hot_account);
            let named = hot.is_some_and(|other| other != node.address);
            let of = node::by_account(state, &self.hot_account);
            if named || of.is_some_and(|other| other.address != node.address) {
                return Err(Error::AccountTaken {
                    account: self.hot_account,
                }
                .into());
            }
            if let Ok(old) = Account::parse(&node.hot_account) {
                keys::HOT.remove(state, &old);
            }
            keys::HOT.put(state, &self.hot_account, &node.address);
            auth::ensure_account(state, &self.hot_account);
            node.hot_account = hot_account;
        }
        node.moniker = self.moniker.clone();
        node.endpoints = Some(self.endpoints.clone());
        keys::NODES.put(state, &address, &node);
        Ok(response(&MsgUpdateNodeResponse {}))
    }
}
