//! Keys of `authz`.

use race_proto::cosmos::authz::v1beta1::Grant;

use super::{expiration_ms, Id};
use crate::grants::Book;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "authz";

/// Grants by granter, grantee and type URL; listed by grantee, granter and type URL.
pub(super) const BOOK: Book<Id, Grant> = Book {
    grants: GRANTS,
    listed: BY_GRANTEE,
    queue: Map::new(STORE, "queue"),
    given: Map::new(STORE, "given"),
    granter: |(granter, _, _)| *granter,
    turned: |(one, other, url)| (other, one, url),
    end_ms: expiration_ms,
};

/// Its grants.
pub(super) const GRANTS: Map<Id, Grant> = Map::new(STORE, "grant");

/// Its list by grantee.
pub(super) const BY_GRANTEE: Map<Id, ()> = Map::new(STORE, "grantee");
