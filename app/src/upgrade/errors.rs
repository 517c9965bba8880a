//! What `upgrade` refuses.

use crate::error::errors;

errors! { "upgrade";
    /// A name that does not say which version comes.
    InvalidName { name: String } = 30, "{name}: a plan is named after the app version that it brings, as v2; name it so",
    /// A version that the state has, or had.
    NotNewer { name: String, version: u64 } = 31, "{name}: the chain has app version {version} already; a plan brings a higher one",
    /// A height that is over.
    InThePast { height: i64, now: u64 } = 32, "height {height} is not after this block's, {now}; plan the upgrade for a later one",
    /// Too long a text.
    TooLong { limit: usize, length: usize } = 33, "info has at most {limit} bytes, got {length}; put the rest behind a link",
    /// What old versions of the SDK had.
    NotSupported { what: String } = 34, "{what}: not supported; upgrades are planned for a height",
}
