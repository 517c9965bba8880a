//! What `session` refuses.

use crate::error::errors;

errors! { "race_session";
    /// An amount that does not make sense.
    Amount { field: &'static str, why: String } = 2, "{field}: {why}",
    /// The escrow does not cover one request.
    Escrow { escrow: u128, ceiling: u128 } = 3, "the escrow of {escrow} nicoin does not cover one request at the ceiling of {ceiling} nicoin; put in more or lower the ceiling",
    /// No ed25519 key.
    SessionKey { why: String } = 4, "session_key: {why}; generate an ed25519 key for the session and give its 32-byte public key",
    /// Another integrity level.
    IntegrityLevel { got: u32 } = 5, "integrity level {got} is not supported; 0 (spot checks) is",
    /// Expires too early or too late.
    Expiry { got: u64, from: u64, to: u64 } = 6, "expiry_height {got}: expected a block from {from} to {to}",
    /// No such model.
    Model { id: String } = 7, "no model {id} is registered; `query model models` lists them",
    /// Retired.
    Retired { id: String } = 8, "model {id} is retired; choose another",
    /// Too many sessions.
    Full { limit: u64 } = 9, "{limit} sessions are open, which is the limit (session/max_open), and all were used lately; try again when some have expired, or were not used for an epoch",
    /// Too low a ceiling.
    Ceiling { got: u128, min: u64 } = 10, "ceiling of {got} nicoin: expected at least {min} (session/min_ceiling)",
    /// Too many sessions of one owner.
    OwnerFull { limit: u64 } = 11, "this account has {limit} sessions open, which is the limit (session/max_open_per_owner); use those, or wait until some have expired",
}
