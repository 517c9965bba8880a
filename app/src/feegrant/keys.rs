//! Keys of `feegrant`.

use race_proto::cosmos::feegrant::v1beta1::Grant;

use super::{stored, Id};
use crate::grants::Book;
use crate::state::Map;

/// The store of this module.
pub const STORE: &str = "feegrant";

/// Allowances by grantee and granter; listed by granter and grantee.
pub(super) const BOOK: Book<Id, Grant> = Book {
    grants: ALLOWANCES,
    listed: BY_GRANTER,
    queue: Map::new(STORE, "queue"),
    given: Map::new(STORE, "given"),
    granter: |(_, granter)| *granter,
    turned: |(one, other)| (other, one),
    end_ms: |grant| stored(grant).end_ms(),
};

/// Its allowances.
pub(super) const ALLOWANCES: Map<Id, Grant> = Map::new(STORE, "allowance");

/// Its list by granter.
pub(super) const BY_GRANTER: Map<Id, ()> = Map::new(STORE, "granter");
