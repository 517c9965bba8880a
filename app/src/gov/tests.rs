use super::*;
use crate::state::State;

#[test]
fn the_authority_is_the_gov_account_and_nobody_else() {
    assert!(require_authority(&authority()).is_ok());
    let error = require_authority(&Account([1; 20])).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 4));
    assert_eq!(invariants::deposits_are_held(&State::empty()), Ok(()));
}

#[test]
fn only_governance_messages_are_governed() {
    for type_url in GOVERNED {
        assert!(crate::registry::message(type_url).is_some(), "{type_url}");
    }
}

#[test]
fn a_proposal_that_opens_a_session_is_refused() {
    use prost::{Message, Name};
    use race_proto::cosmos::gov::v1::MsgSubmitProposal;
    use race_proto::race::session::v1::MsgOpenSession;

    let open = MsgOpenSession {
        creator: authority().to_string(),
        ..MsgOpenSession::default()
    };
    let message = race_proto::Any {
        type_url: MsgOpenSession::type_url(),
        value: open.encode_to_vec(),
    };
    let proposal = MsgSubmitProposal {
        messages: vec![message],
        proposer: Account([1; 20]).to_string(),
        title: "A title".to_owned(),
        summary: "A summary".to_owned(),
        ..MsgSubmitProposal::default()
    };
    let kind = crate::registry::message(&MsgSubmitProposal::type_url()).unwrap();
    let error = (kind.parse)(&proposal.encode_to_vec()).err().unwrap();
    assert_eq!((error.codespace, error.code), ("gov", 10));
    assert!(error.log.contains("MsgOpenSession"), "{error}");
    assert!(error.log.contains("governance alone"), "{error}");
}
