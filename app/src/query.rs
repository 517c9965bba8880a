//! Queries: one function for each path `/package.Query/Method`, the same over ABCI and gRPC.

use prost::Message;

use crate::context::Context;
use crate::error::QueryError;
use crate::state::State;

/// Answers encoded requests with encoded responses.
pub type Answer = fn(&Context<'_>, &State, &[u8]) -> Result<Vec<u8>, QueryError>;

/// A query path and what answers it.
pub struct QueryPath {
    /// `/package.Query/Method`.
    pub path: &'static str,
    /// The answer.
    pub answer: Answer,
}

/// Decodes a request, runs `f`, encodes the response.
pub fn answer<Req: Message + Default, Res: Message>(
    bytes: &[u8],
    f: impl FnOnce(Req) -> Result<Res, QueryError>,
) -> Result<Vec<u8>, QueryError> {
    let request = Req::decode(bytes)
        .map_err(|_| QueryError::Unknown("unexpected EOF: invalid request".to_owned()))?;
    f(request).map(|response| response.encode_to_vec())
}
