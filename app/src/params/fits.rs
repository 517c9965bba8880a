//! Whether the calendar leaves room for what is left of the epoch before: pure over the values.

use super::ParamSpec;
use crate::{duty, epoch, settlement};

/// A calendar that is too short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an epoch's windows do not fit: settling, duties and re-verifications of the epoch before take \
     {needed} blocks, the epoch is sure to have {got} before its race is over; set \
     epoch/serve_blocks to at least {minimum}"
)]
pub struct Misfit {
    /// Blocks that the epoch before still needs.
    pub needed: u64,
    /// Blocks that are there for it.
    pub got: u64,
    /// The smallest `epoch/serve_blocks` that fits the other values.
    pub minimum: u64,
}

/// Whether the windows of an epoch fit: until its race is over, or has failed for want of a seed, the
/// settlements of the epoch before, its duties and the re-verifications out of them are through, with
/// one block to spare.
///
/// # Errors
/// [`Misfit`], which names the serving time that is needed.
pub fn fits(value: impl Fn(&ParamSpec) -> u64) -> Result<(), Misfit> {
    use epoch::params as calendar;
    let sum = |specs: &[ParamSpec]| specs.iter().map(&value).fold(0, u64::saturating_add);
    let needed = sum(&[
        settlement::params::SETTLE_GRACE,
        duty::params::REVEAL_BLOCKS,
        duty::params::REVERIFY_COMMIT_BLOCKS,
        duty::params::REVERIFY_REVEAL_BLOCKS,
    ])
    .saturating_add(1);
    let seed = sum(&[calendar::COMMIT, calendar::REVEAL]);
    let raced = seed.saturating_add(value(&calendar::RACE));
    let attempts = value(&calendar::MAX_RERUNS).saturating_add(1);
    let race = raced.min(seed.saturating_mul(attempts));
    let serve = value(&calendar::SERVE);
    let got = serve.saturating_add(race);
    match got >= needed {
        true => Ok(()),
        false => Err(Misfit {
            needed,
            got,
            minimum: needed.saturating_sub(race),
        }),
    }
}
