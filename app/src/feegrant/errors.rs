//! What `feegrant` refuses; codes of the SDK's `feegrant` where it has them.

use crate::error::errors;

errors! { "feegrant";
    /// A fee above what is left of the allowance.
    LimitExceeded { what: &'static str } = 2, "{what}: fee limit exceeded",
    /// An allowance whose time is over.
    Expired { what: &'static str } = 3, "{what}: fee allowance expired",
    /// A period that runs backwards.
    InvalidDuration {} = 4, "negative clock step: invalid duration",
    /// Nothing that is allowed.
    NoAllowance {} = 5, "allowance should not be empty: no allowance",
    /// An allowance for no messages.
    NoMessages {} = 6, "allowed messages shouldn't be empty: allowed messages are empty",
    /// A message for which the allowance is not.
    MessageNotAllowed {} = 7, "message does not exist in allowed messages: message not allowed",
    /// As many allowances as an account may give.
    TooMany { granter: String, limit: u64 } = 30, "{granter} pays the fees of {limit} accounts already; revoke an allowance",
    /// Allowances in allowances.
    TooDeep { limit: usize } = 32, "allowances lie more than {limit} deep in each other",
    /// A long list of messages.
    LongList { limit: usize, got: usize } = 33, "an allowance names at most {limit} types of messages, got {got}",
}
