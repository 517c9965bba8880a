//! What `authz` refuses; codes of the SDK's `authz` where it has them.

use crate::error::errors;

errors! { "authz";
    /// No such grant.
    NotFound { what: String } = 2, "{what}: authorization not found",
    /// A grant that would be over at once.
    InvalidExpiration { now: String, got: String } = 3, "expiration must be after the current block time ({now}), got {got}: expiration time of authorization should be more than current time",
    /// A grant whose time is over.
    Expired {} = 6, "authorization expired",
    /// A grant to oneself.
    GranteeIsGranter {} = 7, "grantee and granter should be different",
    /// A message that its sender cannot leave to others.
    Protocol { type_url: String } = 30, "{type_url}: a node sends the protocol's messages with its own key, in a transaction of their own; they cannot be executed under a grant",
    /// A long list of messages.
    TooManyMessages { limit: usize } = 31, "an execution carries at most {limit} messages, those of executions in it counted",
    /// Executions in executions.
    TooDeep { limit: usize } = 32, "executions lie more than {limit} deep in each other",
    /// As many grants as an account may give.
    TooMany { granter: String, limit: u64 } = 33, "{granter} has given {limit} grants already; revoke one",
    /// A long list of receivers.
    LongList { limit: usize, got: usize } = 34, "a grant names at most {limit} receivers, got {got}",
}
