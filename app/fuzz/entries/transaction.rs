//! What any bytes may do as a transaction: be refused, or be one whose encoding, signers and signed
//! bytes nobody can read otherwise.

use prost::Message as _;
use race_app::state::State;
use race_app::testing::Chain;
use race_app::tx::signature::{Documents, PublicKey, Signed};
use race_app::tx::{decode, CheckedTx};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{SignDoc, TxBody, TxRaw};

use crate::canonical::canonical;
use crate::input::Input;
use crate::made::made;

thread_local! {
    static CHAIN: Chain = Chain::new(1);
}

/// Tries the bytes as a transaction, and edits of a valid one that they describe.
pub fn survives(bytes: &[u8]) {
    CHAIN.with(|chain| {
        let mut input = Input(bytes);
        let mut edited = made(chain, &mut input);
        input.edit(&mut edited);
        chain.read(|_, state| {
            checked(state, bytes);
            checked(state, &edited);
        });
    });
}

fn checked(state: &State, bytes: &[u8]) {
    let Ok(tx) = decode(state, bytes) else {
        return;
    };
    let raw = TxRaw {
        body_bytes: tx.body_bytes.clone(),
        auth_info_bytes: tx.auth_info_bytes.clone(),
        signatures: tx.signatures.clone(),
    };
    assert_eq!(raw.encode_to_vec(), bytes, "two encodings of a transaction");
    assert!(!tx.signers.is_empty() && tx.signers.contains(&tx.fee_payer));
    signed_bytes(&tx);
}

fn signed_bytes(tx: &CheckedTx) {
    let documents = |body_bytes: &[u8]| Documents {
        direct: SignDoc {
            body_bytes: body_bytes.to_vec(),
            auth_info_bytes: tx.auth_info_bytes.clone(),
            chain_id: "race-test-1".to_owned(),
            account_number: 7,
        },
        sequence: 8,
    };
    let received = documents(&tx.body_bytes);
    let direct = received.bytes(SignMode::Direct).expect("any bytes");
    assert_eq!(SignDoc::decode(&*direct).as_ref(), Ok(&received.direct));
    if let Ok(text) = received.bytes(SignMode::LegacyAminoJson) {
        assert_eq!(canonical(&text).as_bytes(), text);
        // What it shows does not depend on how the body was encoded.
        let body = TxBody::decode(&*tx.body_bytes).expect("it was decoded");
        let again = documents(&body.encode_to_vec());
        assert_eq!(again.bytes(SignMode::LegacyAminoJson), Ok(text));
    }
    for (info, signature) in tx.signer_infos.iter().zip(&tx.signatures) {
        let signed = Signed::read(info.mode_info.as_ref(), signature);
        let key = info.public_key.as_ref().map(PublicKey::unpack);
        if let (Ok(signed), Some(Ok(key))) = (signed, key) {
            key.account();
            key.gas(Some(&signed));
            drop(key.verify(&signed, &received));
        }
    }
}
