//! Queries of `settlement`.

use race_proto::race::settlement::v1::{
    QueryTaskRequest, QueryTaskResponse, QueryTasksRequest, QueryTasksResponse,
    QueryWorkloadsRequest, QueryWorkloadsResponse,
};

use super::{task_of, tasks, workloads};
use crate::context::Context;
use crate::epoch;
use crate::error::QueryError;
use crate::page::paginate;
use crate::query::{answer, QueryPath};
use crate::state::State;

/// What can be asked.
pub const QUERIES: &[QueryPath] = &[
    QueryPath {
        path: "/race.settlement.v1.Query/Task",
        answer: one,
    },
    QueryPath {
        path: "/race.settlement.v1.Query/Tasks",
        answer: of_epoch,
    },
    QueryPath {
        path: "/race.settlement.v1.Query/Workloads",
        answer: work,
    },
];

fn one(context: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryTaskRequest| {
        let task = task_of(state, context.chain_id, request.session_id, request.index);
        let missing = || {
            QueryError::NotFound(format!(
                "request {} of session {} is not settled (or was, long ago)",
                request.index, request.session_id
            ))
        };
        Ok(QueryTaskResponse {
            task: Some(task.ok_or_else(missing)?),
        })
    })
}

/// Epoch 0: the current one.
fn or_current(state: &State, epoch: u64) -> u64 {
    if epoch == 0 {
        epoch::current(state).number
    } else {
        epoch
    }
}

fn of_epoch(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryTasksRequest| {
        let tasks = tasks(state, or_current(state, request.epoch));
        let keyed = tasks.into_iter().map(|task| (task.id.clone(), task));
        let (tasks, pagination) = paginate(keyed.collect(), request.pagination)?;
        Ok(QueryTasksResponse {
            tasks,
            pagination: Some(pagination),
        })
    })
}

fn work(_: &Context<'_>, state: &State, bytes: &[u8]) -> Result<Vec<u8>, QueryError> {
    answer(bytes, |request: QueryWorkloadsRequest| {
        let workloads = workloads(state, or_current(state, request.epoch));
        Ok(QueryWorkloadsResponse { workloads })
    })
}
