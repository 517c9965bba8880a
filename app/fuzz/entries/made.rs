//! A transaction that a fuzzer's bytes describe.

use prost::Message as _;
use race_app::registry;
use race_app::testing::{Chain, Wallet};
use race_app::tx::amino;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{SignDoc, TxRaw};
use race_proto::Any;

use crate::input::Input;

/// A transaction of messages that are valid, or of known types with bytes of the input.
pub fn made(chain: &Chain, input: &mut Input) -> Vec<u8> {
    let (alice, bob) = (Wallet::named("alice"), Wallet::named("bob"));
    let kinds: Vec<_> = registry::messages().map(|kind| kind.type_url).collect();
    let count = 1 + input.byte() % 3;
    let messages = (0..count).map(|_| match input.byte() % 4 {
        0 => Any {
            type_url: (*input.one_of(&kinds)).to_owned(),
            value: input.run().to_vec(),
        },
        1 => bob.pays(&alice, input.number().into()),
        _ => alice.pays(&bob, input.number().into()),
    });
    let messages: Vec<_> = messages.collect();
    let mut signing = chain.signing(&alice);
    if input.byte() % 2 == 1 {
        signing.mode = SignMode::LegacyAminoJson;
    }
    signing.fee = u128::from(input.number());
    signing.gas = input.number();
    signing.sequence += u64::from(input.byte() / 200);
    if input.byte() > 128 {
        signing.memo = input.text();
        signing.timeout_height = input.number();
    }
    let (body, mut auth) = alice.body_and_auth(messages, &signing);
    if input.byte() > 192 {
        auth.signer_infos.push(auth.signer_infos[0].clone());
        auth.fee.get_or_insert_default().payer = bob.address();
    }
    let document = SignDoc {
        body_bytes: body.encode_to_vec(),
        auth_info_bytes: auth.encode_to_vec(),
        ..SignDoc::default()
    };
    // A wallet does not sign as amino what has no amino JSON.
    if amino::sign_bytes(&document, 0).is_err() {
        let raw = TxRaw {
            body_bytes: document.body_bytes,
            auth_info_bytes: document.auth_info_bytes,
            signatures: vec![vec![7; 64]],
        };
        return raw.encode_to_vec();
    }
    alice
        .sign_raw(&body, &auth, &signing.chain_id, signing.number)
        .encode_to_vec()
}
