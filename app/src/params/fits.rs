//! Whether the calendar leaves room for what must happen in it: pure over the values.

use super::ParamSpec;
use crate::beacon::keygen::MAX_DEALS_A_BLOCK;
use crate::{duty, epoch, settlement};

/// A calendar that is too short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// For what is left of the epoch before.
    #[error(
        "an epoch's windows do not fit: settling, duties and re-verifications of the epoch before take \
         {needed} blocks, the epoch is sure to have {got} before its race is over; set \
         epoch/serve_blocks to at least {minimum}"
    )]
    Serve {
        /// Blocks that the epoch before still needs.
        needed: u64,
        /// Blocks that are there for it.
        got: u64,
        /// The smallest `epoch/serve_blocks` that fits the other values.
        minimum: u64,
    },
    /// For the deals of a full committee.
    #[error(
        "{validators} validators do not deal in {got} blocks, since a block takes {} deals; set \
         epoch/deal_blocks to at least {minimum}",
        MAX_DEALS_A_BLOCK
    )]
    Deal {
        /// Most members of a committee.
        validators: u64,
        /// Blocks that take deals.
        got: u64,
        /// The smallest `epoch/deal_blocks` that fits.
        minimum: u64,
    },
}

/// Whether the windows of an epoch fit: until its race is over, or has failed for want of a seed, the
/// settlements of the epoch before, its duties and the re-verifications out of them are through, with
/// one block to spare; and every member of a full committee can deal.
///
/// # Errors
/// [`Misfit`], which names the length that is needed.
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
    if got < needed {
        let minimum = needed.saturating_sub(race);
        return Err(Misfit::Serve {
            needed,
            got,
            minimum,
        });
    }
    let validators = value(&calendar::MAX_VALIDATORS);
    let (got, minimum) = (
        value(&calendar::DEAL),
        validators.div_ceil(MAX_DEALS_A_BLOCK),
    );
    match got >= minimum {
        true => Ok(()),
        false => Err(Misfit::Deal {
            validators,
            got,
            minimum,
        }),
    }
}
