//! What `pricing` refuses.

use crate::error::errors;

errors! { "race_pricing";
    /// No price.
    Price { got: String } = 2, "expected a price per unit of compute from 1 to 1000000000000000000 nicoin, got {got:?}",
}
