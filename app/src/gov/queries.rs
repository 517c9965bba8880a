//! Queries of `gov`: the SDK's.

use race_proto::cosmos::gov::v1::{
    DepositParams, Params, Proposal, QueryDepositRequest, QueryDepositResponse,
    QueryDepositsRequest, QueryDepositsResponse, QueryParamsRequest, QueryParamsResponse,
    QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse,
    QueryTallyResultRequest, QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse,
    QueryVotesRequest, QueryVotesResponse, TallyParams, VotingParams,
};

use super::tally::Tally;
use super::{keys, params};
use crate::address::Account;
use crate::bank::coins::nicoin;
use crate::error::QueryError;
use crate::page::paginate;
use crate::params::{get, ParamSpec};
use crate::query::{answer, QueryPath};
use crate::state::State;
use crate::time::duration;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.gov.v1.Query/Proposal",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryProposalRequest| {
                Ok(QueryProposalResponse {
                    proposal: Some(find(state, request.proposal_id)?),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Proposals",
        answer: |_, state, bytes| answer(bytes, |request| proposals(state, request)),
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Vote",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryVoteRequest| {
                let (id, voter) = (request.proposal_id, account(&request.voter)?);
                let missing = || {
                    QueryError::InvalidArgument(format!(
                        "voter: {} not found for proposal: {id}",
                        request.voter
                    ))
                };
                let vote = keys::VOTES.get(state, &(id, voter)).ok_or_else(missing)?;
                Ok(QueryVoteResponse { vote: Some(vote) })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Votes",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryVotesRequest| {
                let votes = keys::VOTES.under(state, &request.proposal_id);
                let votes = votes
                    .into_iter()
                    .map(|((_, voter), vote)| (voter.0.to_vec(), vote))
                    .collect();
                let (votes, pagination) = paginate(votes, request.pagination)?;
                Ok(QueryVotesResponse {
                    votes,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Deposit",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryDepositRequest| {
                let (id, depositor) = (request.proposal_id, account(&request.depositor)?);
                let missing = || {
                    let log = format!(
                        "depositer: {} not found for proposal: {id}",
                        request.depositor
                    );
                    QueryError::InvalidArgument(log)
                };
                let deposit = keys::DEPOSITS
                    .get(state, &(id, depositor))
                    .ok_or_else(missing)?;
                Ok(QueryDepositResponse {
                    deposit: Some(deposit),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Deposits",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryDepositsRequest| {
                let list = keys::DEPOSITS.under(state, &request.proposal_id);
                let list = list
                    .into_iter()
                    .map(|((_, from), d)| (from.0.to_vec(), d))
                    .collect();
                let (deposits, pagination) = paginate(list, request.pagination)?;
                Ok(QueryDepositsResponse {
                    deposits,
                    pagination: Some(pagination),
                })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/TallyResult",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryTallyResultRequest| {
                let proposal = find(state, request.proposal_id)?;
                let tally = match keys::OPEN.has(state, &proposal.id) {
                    true => Some(Tally::count(state, proposal.id).shown()),
                    false => proposal.final_tally_result,
                };
                Ok(QueryTallyResultResponse { tally })
            })
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1.Query/Params",
        answer: |_, state, bytes| {
            answer(bytes, |request: QueryParamsRequest| {
                Ok(with_older_list(parameters(state), &request.params_type))
            })
        },
    },
];

fn account(text: &str) -> Result<Account, QueryError> {
    Account::parse(text).map_err(|e| QueryError::InvalidArgument(e.to_string()))
}

fn find(state: &State, id: u64) -> Result<Proposal, QueryError> {
    let missing = || QueryError::NotFound(format!("proposal {id} doesn't exist"));
    keys::PROPOSALS.get(state, &id).ok_or_else(missing)
}

fn proposals(
    state: &State,
    request: QueryProposalsRequest,
) -> Result<QueryProposalsResponse, QueryError> {
    let optional = |text: &str| {
        if text.is_empty() {
            Ok(None)
        } else {
            account(text).map(Some)
        }
    };
    let (voter, depositor) = (optional(&request.voter)?, optional(&request.depositor)?);
    let wanted = |id: u64, proposal: &Proposal| {
        (request.proposal_status == 0 || proposal.status == request.proposal_status)
            && voter.is_none_or(|voter| keys::VOTES.has(state, &(id, voter)))
            && depositor.is_none_or(|from| keys::DEPOSITS.has(state, &(id, from)))
    };
    let list = keys::PROPOSALS.all(state).into_iter();
    let list = list.filter(|(id, proposal)| wanted(*id, proposal));
    let list = list
        .map(|(id, proposal)| (id.to_be_bytes().to_vec(), proposal))
        .collect();
    let (proposals, pagination) = paginate(list, request.pagination)?;
    Ok(QueryProposalsResponse {
        proposals,
        pagination: Some(pagination),
    })
}

fn parameters(state: &State) -> Params {
    let amount = |spec: &ParamSpec| vec![nicoin(u128::from(get(state, spec)))];
    let rate = |spec: &ParamSpec| permille(get(state, spec));
    Params {
        min_deposit: amount(&params::MIN_DEPOSIT),
        max_deposit_period: Some(duration(get(state, &params::DEPOSIT_PERIOD))),
        voting_period: Some(duration(get(state, &params::VOTING_PERIOD))),
        quorum: rate(&params::QUORUM),
        threshold: rate(&params::THRESHOLD),
        veto_threshold: rate(&params::VETO),
        min_initial_deposit_ratio: rate(&params::MIN_INITIAL),
        ..Params::default()
    }
}

/// All parameters, and the one of the three older lists that was asked for.
// The lists are deprecated and explorers still read them.
#[allow(deprecated)]
fn with_older_list(params: Params, which: &str) -> QueryParamsResponse {
    let mut response = QueryParamsResponse::default();
    match which {
        "voting" => {
            response.voting_params = Some(VotingParams {
                voting_period: params.voting_period,
            });
        }
        "deposit" => {
            response.deposit_params = Some(DepositParams {
                min_deposit: params.min_deposit.clone(),
                max_deposit_period: params.max_deposit_period,
            });
        }
        "tallying" => {
            response.tally_params = Some(TallyParams {
                quorum: params.quorum.clone(),
                threshold: params.threshold.clone(),
                veto_threshold: params.veto_threshold.clone(),
            });
        }
        _ => {}
    }
    response.params = Some(params);
    response
}

/// Thousandths as the SDK's decimal with 18 places.
fn permille(rate: u64) -> String {
    format!(
        "{}.{:03}000000000000000",
        rate.div_euclid(1000),
        rate.rem_euclid(1000)
    )
}
