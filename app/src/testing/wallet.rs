//! Accounts that sign.

use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use prost::{Message, Name};
use race_proto::cosmos::bank::v1beta1::MsgSend;
use race_proto::cosmos::crypto::secp256k1::PubKey;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{
    mode_info, AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw,
};
use race_proto::Any;
use sha2::{Digest, Sha256};

use crate::address::Account;
use crate::bank::coins::nicoin;
use crate::message::response as packed;
use crate::tx::amino;

/// A secp256k1 account.
#[derive(Debug, Clone)]
pub struct Wallet {
    /// Signs.
    pub key: SigningKey,
    /// Its account.
    pub account: Account,
}

/// What a signature binds besides the messages. Fields are public so that tests can get them wrong.
#[derive(Debug, Clone)]
pub struct Signing {
    /// Chain id.
    pub chain_id: String,
    /// Account number.
    pub number: u64,
    /// Sequence.
    pub sequence: u64,
    /// Fee in nicoin; 0 for none.
    pub fee: u128,
    /// Gas limit.
    pub gas: u64,
    /// Memo.
    pub memo: String,
    /// Last height, 0 for any.
    pub timeout_height: u64,
    /// Sign mode.
    pub mode: SignMode,
}

impl Wallet {
    /// The wallet of a name: the same in every run.
    pub fn named(name: &str) -> Self {
        let seed = Sha256::digest([b"test wallet ", name.as_bytes()].concat());
        let key = SigningKey::from_slice(&seed).expect("a hash is a key but for one in 2^128");
        let public = key.verifying_key().to_encoded_point(true);
        Self {
            account: Account::of_secp256k1(public.as_bytes()),
            key,
        }
    }

    /// The bech32 address.
    pub fn address(&self) -> String {
        self.account.to_string()
    }

    /// The packed public key.
    pub fn public_key(&self) -> Any {
        let key = self
            .key
            .verifying_key()
            .to_encoded_point(true)
            .as_bytes()
            .to_vec();
        packed(&PubKey { key })
    }

    /// A `MsgSend` of nicoin.
    pub fn pays(&self, to: &Wallet, amount: u128) -> Any {
        packed(&MsgSend {
            from_address: self.address(),
            to_address: to.address(),
            amount: vec![nicoin(amount)],
        })
    }

    /// Packs any message.
    pub fn message(message: &impl Name) -> Any {
        packed(message)
    }

    /// The parts of a transaction before it is signed.
    pub fn body_and_auth(&self, messages: Vec<Any>, signing: &Signing) -> (TxBody, AuthInfo) {
        let body = TxBody {
            messages,
            memo: signing.memo.clone(),
            timeout_height: signing.timeout_height,
            ..TxBody::default()
        };
        let single = mode_info::Single {
            mode: signing.mode as i32,
        };
        let signer = SignerInfo {
            public_key: Some(self.public_key()),
            mode_info: Some(ModeInfo {
                sum: Some(mode_info::Sum::Single(single)),
            }),
            sequence: signing.sequence,
        };
        let amount = if signing.fee == 0 {
            Vec::new()
        } else {
            vec![nicoin(signing.fee)]
        };
        let fee = Fee {
            amount,
            gas_limit: signing.gas,
            ..Fee::default()
        };
        let auth = AuthInfo {
            signer_infos: vec![signer],
            fee: Some(fee),
            ..AuthInfo::default()
        };
        (body, auth)
    }

    /// The signature of a document in amino JSON.
    ///
    /// # Panics
    /// When the document has no amino JSON.
    pub fn sign_amino(&self, document: &SignDoc, sequence: u64) -> Vec<u8> {
        let bytes = amino::sign_bytes(document, sequence);
        self.sign_bytes(&bytes.unwrap_or_else(|error| panic!("{error}")))
    }

    fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(bytes);
        let signature = signature.normalize_s().unwrap_or(signature);
        signature.to_bytes().to_vec()
    }

    /// Signs given parts.
    pub fn sign_raw(&self, body: &TxBody, auth: &AuthInfo, chain_id: &str, number: u64) -> TxRaw {
        let doc = SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: chain_id.to_owned(),
            account_number: number,
        };
        let info = auth.signer_infos.first();
        let single = |info: &SignerInfo| match info.mode_info.as_ref()?.sum.as_ref()? {
            mode_info::Sum::Single(single) => Some(single.mode),
            mode_info::Sum::Multi(_) => None,
        };
        let amino = info.and_then(single) == Some(SignMode::LegacyAminoJson as i32);
        let signature = match amino {
            true => {
                let sequence = info.map_or(0, |info| info.sequence);
                self.sign_amino(&doc, sequence)
            }
            false => self.sign_bytes(&doc.encode_to_vec()),
        };
        TxRaw {
            body_bytes: doc.body_bytes,
            auth_info_bytes: doc.auth_info_bytes,
            signatures: vec![signature],
        }
    }

    /// A signed transaction.
    pub fn sign(&self, messages: Vec<Any>, signing: &Signing) -> Vec<u8> {
        let (body, auth) = self.body_and_auth(messages, signing);
        self.sign_raw(&body, &auth, &signing.chain_id, signing.number)
            .encode_to_vec()
    }
}
