use prost::Message;
use race_app::address::Account;
use race_app::error::TxError;
use race_app::testing::{Chain, Signing, Wallet};
use race_app::tx::signature::PublicKey;
use race_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use race_proto::cosmos::crypto::multisig::LegacyAminoPubKey;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{mode_info, ModeInfo, SignDoc, SignerInfo, TxRaw};
use race_proto::Any;

struct Shared {
    chain: Chain,
    owners: Vec<Wallet>,
    key: Any,
    account: Account,
}

fn single(mode: SignMode) -> ModeInfo {
    let mode = mode as i32;
    ModeInfo {
        sum: Some(mode_info::Sum::Single(mode_info::Single { mode })),
    }
}

impl Shared {
    /// An account of `n` keys, of which two must sign, with 1 icoin.
    fn of(n: usize) -> Self {
        let owners: Vec<_> = (0..n)
            .map(|i| Wallet::named(&format!("owner{i}")))
            .collect();
        let key = Wallet::message(&LegacyAminoPubKey {
            threshold: 2,
            public_keys: owners.iter().map(Wallet::public_key).collect(),
        });
        let account = PublicKey::unpack(&key).unwrap().account();
        let mut chain = Chain::new(1);
        chain.block(Vec::new());
        let alice = Wallet::named("alice");
        let funds = Wallet {
            account,
            ..owners[0].clone()
        };
        let tx = chain.sign(&alice, vec![alice.pays(&funds, 1_000_000_000)]);
        assert_eq!(chain.block(vec![tx]).results[0].code, 0);
        Self {
            chain,
            owners,
            key,
            account,
        }
    }

    fn wallet(&self) -> Wallet {
        Wallet {
            account: self.account,
            ..self.owners[0].clone()
        }
    }

    fn signing(&self) -> Signing {
        self.chain.signing(&self.wallet())
    }

    /// A transfer of 5 to carol, signed by these owners in this mode.
    fn signed(&self, by: &[usize], mode: SignMode) -> Vec<u8> {
        let signing = self.signing();
        let messages = vec![self.wallet().pays(&Wallet::named("carol"), 5)];
        let (body, mut auth) = self.wallet().body_and_auth(messages, &signing);
        let count = self.owners.len();
        let mut elems = vec![0u8; count.div_ceil(8)];
        by.iter().for_each(|i| elems[i / 8] |= 0x80 >> (i % 8));
        auth.signer_infos = vec![SignerInfo {
            public_key: Some(self.key.clone()),
            mode_info: Some(ModeInfo {
                sum: Some(mode_info::Sum::Multi(mode_info::Multi {
                    bitarray: Some(CompactBitArray {
                        extra_bits_stored: (count % 8) as u32,
                        elems,
                    }),
                    mode_infos: by.iter().map(|_| single(mode)).collect(),
                })),
            }),
            sequence: signing.sequence,
        }];
        let document = SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: signing.chain_id,
            account_number: signing.number,
        };
        let sign = |i: &usize| self.owners[*i].sign_amino(&document, signing.sequence);
        let signatures = by.iter().map(sign).collect();
        TxRaw {
            signatures: vec![MultiSignature { signatures }.encode_to_vec()],
            body_bytes: document.body_bytes,
            auth_info_bytes: document.auth_info_bytes,
        }
        .encode_to_vec()
    }

    fn refused(&self, tx: &[u8]) -> TxError {
        self.chain.app.check_tx(tx, false).error.expect("refused")
    }
}

const AMINO: SignMode = SignMode::LegacyAminoJson;

#[test]
fn two_of_three_sign_and_each_signature_is_an_event_before_the_whole() {
    let mut shared = Shared::of(3);
    for by in [[0, 2], [1, 2]] {
        let tx = shared.signed(&by, AMINO);
        assert_eq!(shared.chain.app.check_tx(&tx, false).error, None);
        let result = shared.chain.block(vec![tx]).results.remove(0);
        assert_eq!((result.code, result.log.as_str()), (0, ""));
        let of_tx: Vec<_> = result.events.iter().filter(|e| e.r#type == "tx").collect();
        let keys: Vec<_> = of_tx.iter().map(|e| e.attributes[0].key.as_str()).collect();
        assert_eq!(
            keys,
            ["fee", "acc_seq", "signature", "signature", "signature"]
        );
    }
    assert_eq!(shared.chain.balance(&Wallet::named("carol")), 10);
}

#[test]
fn fewer_than_the_threshold_or_a_strangers_signature_are_refused() {
    let mut shared = Shared::of(3);
    let number = shared.signing().number;
    let expected = format!(
        "signature verification failed; please verify account number ({number}), sequence (0) and \
         chain-id (race-test-1): unauthorized"
    );
    let error = shared.refused(&shared.signed(&[1], AMINO));
    assert_eq!((error.code, error.log), (4, expected.clone()));
    let tx = shared.signed(&[0, 1], AMINO);
    shared.owners[1] = Wallet::named("stranger");
    let forged = TxRaw::decode(shared.signed(&[0, 1], AMINO).as_slice()).unwrap();
    let raw = TxRaw::decode(tx.as_slice()).unwrap();
    let forged = TxRaw {
        signatures: forged.signatures,
        ..raw
    };
    let error = shared.refused(&forged.encode_to_vec());
    assert_eq!((error.code, error.log), (4, expected));
}

#[test]
fn one_owner_alone_cannot_sign_as_if_the_account_were_his() {
    let shared = Shared::of(3);
    let signing = Signing {
        mode: AMINO,
        ..shared.signing()
    };
    let messages = vec![shared.wallet().pays(&Wallet::named("carol"), 5)];
    let tx = shared.wallet().sign(messages, &signing);
    assert_eq!(shared.refused(&tx).code, 8);
}

#[test]
fn direct_signatures_among_several_keys_are_refused_by_name() {
    let shared = Shared::of(3);
    let error = shared.refused(&shared.signed(&[0, 1], SignMode::Direct));
    assert_eq!(error.code, 4);
    assert!(
        error
            .log
            .contains("SIGN_MODE_DIRECT is not supported among several keys"),
        "{}",
        error.log
    );
}

#[test]
fn every_key_of_several_counts_towards_the_limit() {
    let shared = Shared::of(8);
    let error = shared.refused(&shared.signed(&[0, 1], AMINO));
    let log = "signatures: 8, limit: 7: maximum number of signatures exceeded";
    assert_eq!((error.code, error.log.as_str()), (14, log));
}
