//! Queries of `bank`: the SDK's.

use race_proto::cosmos::bank::v1beta1::{
    DenomOwner, DenomUnit, Metadata, Params, QueryAllBalancesRequest, QueryAllBalancesResponse,
    QueryBalanceRequest, QueryBalanceResponse, QueryDenomMetadataByQueryStringRequest,
    QueryDenomMetadataByQueryStringResponse, QueryDenomMetadataRequest, QueryDenomMetadataResponse,
    QueryDenomOwnersRequest, QueryDenomOwnersResponse, QueryDenomsMetadataRequest,
    QueryDenomsMetadataResponse, QueryParamsRequest, QueryParamsResponse, QuerySendEnabledResponse,
    QuerySpendableBalanceByDenomRequest, QuerySpendableBalanceByDenomResponse,
    QuerySpendableBalancesRequest, QuerySpendableBalancesResponse, QuerySupplyOfRequest,
    QuerySupplyOfResponse, QueryTotalSupplyRequest, QueryTotalSupplyResponse,
};
use race_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use race_proto::cosmos::base::v1beta1::Coin;

use super::{balance, balances, coins, spendable, supply};
use crate::address::Account;
use crate::coin::{Nicoin, DENOM};
use crate::error::QueryError;
use crate::page::paginate;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/Balance",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryBalanceRequest| {
                let balance = one(state, balance, &request.address, request.denom)?;
                Ok(QueryBalanceResponse {
                    balance: Some(balance),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/AllBalances",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryAllBalancesRequest| {
                let (balances, pagination) =
                    every(state, balance, &request.address, request.pagination)?;
                Ok(QueryAllBalancesResponse {
                    balances,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/SpendableBalances",
        answer: |_, state, bytes| {
            answer(bytes, |request: QuerySpendableBalancesRequest| {
                let (balances, pagination) =
                    every(state, spendable, &request.address, request.pagination)?;
                Ok(QuerySpendableBalancesResponse {
                    balances,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom",
        answer: |_, state, bytes| {
            answer(bytes, |request: QuerySpendableBalanceByDenomRequest| {
                let balance = one(state, spendable, &request.address, request.denom)?;
                Ok(QuerySpendableBalanceByDenomResponse {
                    balance: Some(balance),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/TotalSupply",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryTotalSupplyRequest| {
                let (supply, pagination) = paginate(listed(supply(state)), request.pagination)?;
                Ok(QueryTotalSupplyResponse {
                    supply,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/SupplyOf",
        answer: |_, state, bytes| {
            answer(bytes, |request: QuerySupplyOfRequest| {
                let denom = valid_denom(request.denom)?;
                let amount = if denom == DENOM { supply(state) } else { 0 };
                Ok(QuerySupplyOfResponse {
                    amount: Some(Coin {
                        denom,
                        amount: amount.to_string(),
                    }),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/DenomMetadata",
        answer: |_, _, bytes| {
            answer(bytes, |request: QueryDenomMetadataRequest| {
                Ok(QueryDenomMetadataResponse {
                    metadata: Some(metadata_of(request.denom)?),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/DenomMetadataByQueryString",
        answer: |_, _, bytes| {
            answer(bytes, |request: QueryDenomMetadataByQueryStringRequest| {
                Ok(QueryDenomMetadataByQueryStringResponse {
                    metadata: Some(metadata_of(request.denom)?),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/DenomOwners",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryDenomOwnersRequest| {
                let denom = valid_denom(request.denom)?;
                let owners = if denom == DENOM {
                    balances(state)
                } else {
                    Vec::new()
                };
                let owner = |(account, amount): (Account, Nicoin)| {
                    let owner = DenomOwner {
                        address: account.to_string(),
                        balance: Some(coins::nicoin(amount)),
                    };
                    (account.0.to_vec(), owner)
                };
                let owners = owners.into_iter().map(owner).collect();
                let (denom_owners, pagination) = paginate(owners, request.pagination)?;
                Ok(QueryDenomOwnersResponse {
                    denom_owners,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/SendEnabled",
        answer: |_, _, bytes| {
            // No denomination has a rule of its own.
            answer(bytes, |()| Ok(QuerySendEnabledResponse::default()))
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/DenomsMetadata",
        answer: |_, _, bytes| {
            answer(bytes, |request: QueryDenomsMetadataRequest| {
                let list = vec![(DENOM.as_bytes().to_vec(), metadata())];
                let (metadatas, pagination) = paginate(list, request.pagination)?;
                Ok(QueryDenomsMetadataResponse {
                    metadatas,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.bank.v1beta1.Query/Params",
        answer: |_, _, bytes| {
            answer(bytes, |_: QueryParamsRequest| {
                let params = Params {
                    default_send_enabled: true,
                    ..Params::default()
                };
                Ok(QueryParamsResponse {
                    params: Some(params),
                })
            })
        },
    },
];

/// How the denominations relate: 1 icoin = 1000 micoin = 10^6 uicoin = 10^9 nicoin.
fn metadata() -> Metadata {
    let unit = |denom: &str, exponent| DenomUnit {
        denom: denom.into(),
        exponent,
        aliases: Vec::new(),
    };
    Metadata {
        description: "The coin of the Race network".into(),
        denom_units: vec![
            unit(DENOM, 0),
            unit("uicoin", 3),
            unit("micoin", 6),
            unit("icoin", 9),
        ],
        base: DENOM.into(),
        display: "icoin".into(),
        name: "icoin".into(),
        symbol: "ICOIN".into(),
        uri: String::new(),
        uri_hash: String::new(),
    }
}

fn metadata_of(denom: String) -> Result<Metadata, QueryError> {
    let denom = valid_denom(denom)?;
    match denom == DENOM {
        true => Ok(metadata()),
        false => Err(QueryError::NotFound(format!(
            "client metadata for denom {denom}"
        ))),
    }
}

fn address(text: &str) -> Result<Account, QueryError> {
    if text.is_empty() {
        return Err(QueryError::InvalidArgument(
            "empty address string is not allowed".to_owned(),
        ));
    }
    Account::parse(text).map_err(|e| QueryError::InvalidArgument(format!("invalid address: {e}")))
}

fn valid_denom(denom: String) -> Result<String, QueryError> {
    match coins::is_denom(&denom) {
        true => Ok(denom),
        false => Err(QueryError::InvalidArgument(format!(
            "invalid denom: {denom}"
        ))),
    }
}

/// What is told of an account's coins.
type Of = fn(&State, &Account) -> Nicoin;

fn one(state: &State, of: Of, account: &str, denom: String) -> Result<Coin, QueryError> {
    let denom = valid_denom(denom)?;
    let account = address(account)?;
    let amount = if denom == DENOM {
        of(state, &account)
    } else {
        0
    };
    Ok(Coin {
        denom,
        amount: amount.to_string(),
    })
}

fn every(
    state: &State,
    of: Of,
    account: &str,
    page: Option<PageRequest>,
) -> Result<(Vec<Coin>, PageResponse), QueryError> {
    let account = address(account)?;
    paginate(listed(of(state, &account)), page)
}

fn listed(amount: Nicoin) -> Vec<(Vec<u8>, Coin)> {
    match amount {
        0 => Vec::new(),
        _ => vec![(DENOM.as_bytes().to_vec(), coins::nicoin(amount))],
    }
}
