use super::*;
use crate::state::State;

#[test]
fn the_authority_is_the_gov_account_and_nobody_else() {
    assert!(require_authority(&authority()).is_ok());
    let error = require_authority(&Account([1; 20])).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 4));
    assert_eq!(invariants::deposits_are_held(&State::empty()), Ok(()));
}
