//! Economy in integers: the price of compute, the subsidy, the issuance and the split of rewards.
//!
//! Pure code over amounts of `nicoin` (`u128`; 1 icoin = 10^9 nicoin). Every division rounds towards
//! zero and what is left over is returned to the caller, so that supply always adds up.
//!
//! | module | what is in it |
//! |---|---|
//! | [`median`] | weighted median of price votes, moving at most 10% an epoch |
//! | [`subsidy`] | the twelve batches of the core incentive |
//! | [`issuance`] | minimum issuance, ceiling, and what an epoch mints |
//! | [`split`] | rewards by weight and fulfilment; the parts of a fee |
//! | [`math`] | `a * b / c` without overflow |
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_arithmetic
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::float_arithmetic
    )
)]

pub mod issuance;
pub mod math;
pub mod median;
pub mod split;
pub mod subsidy;

/// nicoin in one icoin.
pub const NICOIN_PER_ICOIN: u128 = 1_000_000_000;
