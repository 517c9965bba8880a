//! What `bond` refuses.

use crate::error::errors;

errors! { "race_bond";
    /// No amount.
    Amount { got: String } = 2, "expected an amount of more than 0nicoin, got {got}",
}
