//! What `gov` refuses; codes of the SDK's `gov` where it has them.

use crate::error::errors;

errors! { "gov";
    /// No such proposal.
    UnknownProposal { id: u64 } = 2, "proposal {id} doesn't exist: not found",
    /// It is over, or still waits for its deposit.
    Inactive { id: u64 } = 3, "{id}: inactive proposal",
    /// An option that cannot be voted for.
    InvalidVote { option: i32 } = 7, "{option}: expected yes, abstain, no or no with veto: invalid vote option",
    /// A message that proposals cannot carry.
    Unroutable { type_url: String } = 10, "{type_url}: a proposal carries only what governance alone may send (MsgUpdateParams, MsgRegisterModel, MsgRetireModel, MsgSoftwareUpgrade, MsgCancelUpgrade): proposal message not recognized by router",
    /// A proposal without messages.
    NoMessages {} = 11, "expected at least one message: no messages proposed",
    /// A message that its own checks refuse.
    InvalidMessage { index: usize, reason: String } = 12, "message {index}: {reason}: invalid proposal message",
    /// A message in another's name.
    InvalidSigner { signer: String } = 13, "{signer}: expected gov account as only signer for proposal message",
    /// Too long a text.
    TooLong { what: String, limit: usize, length: usize } = 15, "{what} has at most {limit} bytes, got {length}: metadata too long",
    /// Too small a first deposit.
    DepositTooSmall { got: String, needed: String } = 16, "was ({got}), need ({needed}): minimum deposit is too small",
    /// A voter who operates no node of the committee.
    NoPower { voter: String } = 30, "{voter} operates no member of the current committee, so it has no vote",
    /// Too many open proposals.
    TooManyOpen { limit: u64 } = 31, "{limit} proposals are open already; wait until one ends, or bring the whole deposit at once: it takes the place of a proposal that waits for its own",
    /// What the SDK has and this chain has not.
    NotSupported { what: String } = 32, "{what}: not supported",
    /// A deposit in another denomination.
    InvalidDeposit { coins: String } = 33, "{coins}: a deposit is a positive amount of nicoin",
}
