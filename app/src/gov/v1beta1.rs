//! Queries of `cosmos.gov.v1beta1`, which explorers still ask: the answers of v1 in the older types, as the
//! SDK derives them. Requests are the same bytes in both.

use prost::Message;
use race_proto::cosmos::gov::v1;
use race_proto::cosmos::gov::v1beta1::{
    Deposit, DepositParams, Proposal, QueryDepositResponse, QueryDepositsResponse,
    QueryParamsRequest, QueryParamsResponse, QueryProposalResponse, QueryProposalsResponse,
    QueryTallyResultResponse, QueryVoteResponse, QueryVotesResponse, TallyParams, TallyResult,
    Vote, VotingParams, WeightedVoteOption,
};
use tendermint_proto::google::protobuf::Timestamp;

use super::queries;
use crate::context::Context;
use crate::decimal;
use crate::error::QueryError;
use crate::query::QueryPath;
use crate::state::State;

/// What the SDK writes for a time that is not set: the first second of the year 1.
const NO_TIME: Timestamp = Timestamp {
    seconds: -62_135_596_800,
    nanos: 0,
};

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Proposal",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryProposalResponse| {
                let proposal = new.proposal.map(proposal);
                Ok(QueryProposalResponse { proposal })
            };
            derived("Proposal", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Proposals",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryProposalsResponse| {
                Ok(QueryProposalsResponse {
                    proposals: new.proposals.into_iter().map(proposal).collect(),
                    pagination: new.pagination,
                })
            };
            derived("Proposals", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Vote",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryVoteResponse| {
                let vote = new.vote.map(vote).transpose()?;
                Ok(QueryVoteResponse { vote })
            };
            derived("Vote", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Votes",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryVotesResponse| {
                let votes = new.votes.into_iter().map(vote);
                Ok(QueryVotesResponse {
                    votes: votes.collect::<Result<_, _>>()?,
                    pagination: new.pagination,
                })
            };
            derived("Votes", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Params",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryParamsResponse| parameters(new, bytes);
            derived("Params", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Deposit",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryDepositResponse| {
                let deposit = new.deposit.map(deposit);
                Ok(QueryDepositResponse { deposit })
            };
            derived("Deposit", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/Deposits",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryDepositsResponse| {
                Ok(QueryDepositsResponse {
                    deposits: new.deposits.into_iter().map(deposit).collect(),
                    pagination: new.pagination,
                })
            };
            derived("Deposits", context, state, bytes, of)
        },
    },
    QueryPath {
        path: "/cosmos.gov.v1beta1.Query/TallyResult",
        answer: |context, state, bytes| {
            let of = |new: v1::QueryTallyResultResponse| {
                let tally = new.tally.map(tally);
                Ok(QueryTallyResultResponse { tally })
            };
            derived("TallyResult", context, state, bytes, of)
        },
    },
];

/// Asks the method of v1 and makes the older answer out of its answer.
fn derived<New: Message + Default, Old: Message>(
    method: &str,
    context: &Context<'_>,
    state: &State,
    bytes: &[u8],
    of: impl FnOnce(New) -> Result<Old, QueryError>,
) -> Result<Vec<u8>, QueryError> {
    let named = |query: &&QueryPath| query.path.rsplit('/').next() == Some(method);
    let query = queries::QUERIES.iter().find(named);
    let query = query.ok_or(QueryError::UnknownPath)?;
    let answered = (query.answer)(context, state, bytes)?;
    let new = New::decode(answered.as_slice()).map_err(|e| QueryError::Unknown(e.to_string()))?;
    of(new).map(|old| old.encode_to_vec())
}

/// The content is the first message, which the SDK shows, too. Where it refuses a proposal of several
/// messages, and with it every list that has one, this shows the first.
fn proposal(new: v1::Proposal) -> Proposal {
    let time = |time: Option<Timestamp>| Some(time.unwrap_or(NO_TIME));
    Proposal {
        proposal_id: new.id,
        content: new.messages.into_iter().next(),
        status: new.status,
        final_tally_result: new.final_tally_result.map(tally),
        submit_time: time(new.submit_time),
        deposit_end_time: time(new.deposit_end_time),
        total_deposit: new.total_deposit,
        voting_start_time: time(new.voting_start_time),
        voting_end_time: time(new.voting_end_time),
    }
}

fn tally(new: v1::TallyResult) -> TallyResult {
    TallyResult {
        yes: new.yes_count,
        abstain: new.abstain_count,
        no: new.no_count,
        no_with_veto: new.no_with_veto_count,
    }
}

fn vote(new: v1::Vote) -> Result<Vote, QueryError> {
    let option = |new: v1::WeightedVoteOption| {
        Ok(WeightedVoteOption {
            option: new.option,
            weight: raw(&new.weight)?,
        })
    };
    let options = new.options.into_iter().map(option);
    // The single option is deprecated and left empty, as by the SDK.
    Ok(Vote {
        proposal_id: new.proposal_id,
        voter: new.voter,
        options: options.collect::<Result<_, QueryError>>()?,
        ..Vote::default()
    })
}

fn deposit(new: v1::Deposit) -> Deposit {
    Deposit {
        proposal_id: new.proposal_id,
        depositor: new.depositor,
        amount: new.amount,
    }
}

/// One of three lists; the others are shown empty.
// v1 has them for this alone.
#[allow(deprecated)]
fn parameters(
    new: v1::QueryParamsResponse,
    request: &[u8],
) -> Result<QueryParamsResponse, QueryError> {
    let mut old = QueryParamsResponse {
        voting_params: Some(VotingParams::default()),
        deposit_params: Some(DepositParams::default()),
        tally_params: Some(TallyParams::default()),
    };
    if let Some(voting) = new.voting_params {
        old.voting_params = Some(VotingParams {
            voting_period: voting.voting_period,
        });
    } else if let Some(deposit) = new.deposit_params {
        old.deposit_params = Some(DepositParams {
            min_deposit: deposit.min_deposit,
            max_deposit_period: deposit.max_deposit_period,
        });
    } else if let Some(tally) = new.tally_params {
        let rate = |text: &str| raw(text).map(String::into_bytes);
        old.tally_params = Some(TallyParams {
            quorum: rate(&tally.quorum)?,
            threshold: rate(&tally.threshold)?,
            veto_threshold: rate(&tally.veto_threshold)?,
        });
    } else {
        let asked = QueryParamsRequest::decode(request).unwrap_or_default();
        let log = format!("{} is not a valid parameter type", asked.params_type);
        return Err(QueryError::InvalidArgument(log));
    }
    Ok(old)
}

/// A decimal as the older types hold it: times 10^18, without a point.
fn raw(text: &str) -> Result<String, QueryError> {
    let bad = || QueryError::Unknown(format!("{text:?} is no decimal"));
    decimal::raw(text).ok_or_else(bad)
}
