//! What `feegrant` refuses; codes of the SDK's `feegrant` where it has them.

use crate::error::errors;

errors! { "feegrant";
    /// A fee above what is left of the allowance.
    LimitExceeded {} = 2, "basic allowance: fee limit exceeded",
    /// An allowance whose time is over.
    Expired {} = 3, "basic allowance: fee allowance expired",
    /// As many allowances as an account may give.
    TooMany { granter: String, limit: u64 } = 30, "{granter} pays the fees of {limit} accounts already; revoke an allowance",
    /// What the SDK has and this chain has not.
    NotSupported { type_url: String } = 31, "{type_url}: not supported; give a BasicAllowance",
}
