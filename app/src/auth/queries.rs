//! Queries of `auth`: the SDK's.

use race_proto::cosmos::auth::v1beta1::{
    BaseAccount, Bech32PrefixRequest, Bech32PrefixResponse, ModuleAccount, Params,
    QueryAccountInfoRequest, QueryAccountInfoResponse, QueryAccountRequest, QueryAccountResponse,
    QueryAccountsRequest, QueryAccountsResponse, QueryModuleAccountByNameRequest,
    QueryModuleAccountByNameResponse, QueryModuleAccountsRequest, QueryModuleAccountsResponse,
    QueryParamsRequest, QueryParamsResponse,
};
use race_proto::Any;

use super::{account, module_account, module_name, vesting, MODULE_ACCOUNTS};
use crate::address::{Account, PREFIX};
use crate::error::QueryError;
use crate::message::response;
use crate::page::paginate;
use crate::params::get;
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::tx::{gas, params};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/Account",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAccountRequest| {
                let (address, record) = find(state, &request.address)?;
                Ok(QueryAccountResponse {
                    account: Some(packed(state, &address, record)),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/AccountInfo",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAccountInfoRequest| {
                let (_, record) = find(state, &request.address)?;
                Ok(QueryAccountInfoResponse { info: Some(record) })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/Accounts",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAccountsRequest| {
                let accounts = super::all(state)
                    .into_iter()
                    .map(|(address, record)| (address.0.to_vec(), packed(state, &address, record)))
                    .collect();
                let (accounts, pagination) = paginate(accounts, request.pagination)?;
                Ok(QueryAccountsResponse {
                    accounts,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/ModuleAccounts",
        answer: |_, state, bytes| {
            answer(bytes, |_: QueryModuleAccountsRequest| {
                let accounts = MODULE_ACCOUNTS
                    .iter()
                    .filter_map(|name| module(state, name))
                    .collect();
                Ok(QueryModuleAccountsResponse { accounts })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/ModuleAccountByName",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryModuleAccountByNameRequest| {
                let name = MODULE_ACCOUNTS.iter().find(|name| **name == request.name);
                let account = name.and_then(|name| module(state, name));
                let missing =
                    || QueryError::NotFound(format!("account {} not found", request.name));
                Ok(QueryModuleAccountByNameResponse {
                    account: Some(account.ok_or_else(missing)?),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/Bech32Prefix",
        answer: |_, _, bytes| {
            answer(bytes, |_: Bech32PrefixRequest| {
                Ok(Bech32PrefixResponse {
                    bech32_prefix: PREFIX.to_owned(),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.auth.v1beta1.Query/Params",
        answer: |_, state, bytes| {
            answer(bytes, |_: QueryParamsRequest| {
                let params = Params {
                    max_memo_characters: get(state, &params::MAX_MEMO),
                    tx_sig_limit: get(state, &params::MAX_SIGNATURES),
                    tx_size_cost_per_byte: gas::PER_BYTE,
                    sig_verify_cost_ed25519: gas::ED25519,
                    sig_verify_cost_secp256k1: gas::SECP256K1,
                };
                Ok(QueryParamsResponse {
                    params: Some(params),
                })
            })
        },
    },
];

fn find(state: &State, text: &str) -> Result<(Account, BaseAccount), QueryError> {
    if text.is_empty() {
        return Err(QueryError::InvalidArgument(
            "Address cannot be empty".to_owned(),
        ));
    }
    let address = Account::parse(text).map_err(|e| QueryError::Unknown(e.to_string()))?;
    let missing = || QueryError::NotFound(format!("account {text} not found"));
    account(state, &address)
        .map(|record| (address, record))
        .ok_or_else(missing)
}

/// A `BaseAccount`, a `ModuleAccount` for a module's, or a vesting account.
fn packed(state: &State, address: &Account, record: BaseAccount) -> Any {
    if let Some(vesting) = vesting::shown(state, address, &record) {
        return vesting;
    }
    match module_name(address) {
        None => response(&record),
        Some(name) => response(&ModuleAccount {
            base_account: Some(record),
            name: name.to_owned(),
            permissions: Vec::new(),
        }),
    }
}

fn module(state: &State, name: &str) -> Option<Any> {
    let address = module_account(name);
    account(state, &address).map(|record| packed(state, &address, record))
}
