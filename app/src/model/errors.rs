//! What `model` refuses.

use crate::error::errors;

errors! { "race_model";
    /// Not sent by governance.
    Authority { expected: String, got: String } = 2, "expected the authority {expected} (governance), got {got}; put the message into a proposal",
    /// The model's fields do not make sense.
    Invalid { field: &'static str, why: String } = 3, "model field {field}: {why}",
    /// The id is taken.
    Exists { id: String } = 4, "model {id} is registered already; ids are never given again, choose another",
    /// No such model.
    Unknown { id: String } = 5, "no model {id} is registered; `query model models` lists them",
    /// Retired.
    Retired { id: String } = 6, "model {id} is retired; choose another",
    /// Nothing would change.
    NoChange { id: String, state: &'static str } = 7, "this node has model {id} announced as {state} already",
    /// Too many in an epoch.
    TooMany { limit: u64 } = 8, "this node announced {limit} changes in this epoch, which is the limit; wait for the next",
    /// Too many models.
    Full { limit: u64 } = 9, "{limit} models are registered, which is the limit (model/max_models)",
}
