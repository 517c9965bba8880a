//! What `node` refuses.

use crate::address::Account;
use crate::error::errors;

errors! { "race_node";
    /// The sender speaks for no node.
    NotANode { sender: Account } = 2, "{sender} is neither operator nor hot account of a registered node: register the node, or send from its account",
    /// A key of the wrong length or kind.
    BadKey { what: &'static str, reason: String } = 3, "the {what} key cannot be used: {reason}",
    /// A proof that does not verify.
    BadProof { what: &'static str } = 4, "the proof of possession of the {what} key does not verify: sign this chain's id and this operator with that key",
    /// A key that somebody registered already.
    KeyTaken { what: &'static str } = 5, "the {what} key is registered already: every use of every node needs a key of its own",
    /// An account that speaks for a node already.
    AccountTaken { account: Account } = 6, "{account} speaks for another node already: every node needs accounts of its own",
    /// The block's registrations are used up.
    BlockFull { limit: u64 } = 7, "this block has taken its {limit} registrations: send it again for the next block",
    /// A moniker that is empty or too long.
    BadMoniker { length: usize, limit: usize } = 8, "a moniker has 1 to {limit} bytes of printable text, got {length} bytes",
    /// An endpoint that is not one.
    BadEndpoint { what: &'static str, got: String } = 9, "the endpoint {what} is {got:?}: expected host:port for gRPC, an http(s) URL or nothing for the API, at most 256 bytes",
    /// An address that names no account.
    BadAccount { what: &'static str, reason: String } = 10, "the {what} is no account: {reason}",
    /// The sender owns no node.
    NotAnOperator { sender: Account } = 11, "{sender} is not the operator of a registered node: only the operator changes a node",
    /// A module's account as hot account.
    ModuleAccount { account: Account } = 12, "{account} belongs to a module and can never sign: give an account with a key",
    /// No place for a newcomer.
    Full { limit: u64 } = 13, "{limit} nodes outside the committees are registered, which is the limit (node/max_outside), and all of them have raced lately: register again after the next switch, when those whose proofs were false or not opened are gone",
}
