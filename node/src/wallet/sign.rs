//! Transactions in SIGN_MODE_DIRECT.

use prost::{Message, Name};
use race_app::address::Account;
use race_app::coin::Nicoin;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::crypto::secp256k1::PubKey;
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use race_proto::cosmos::tx::v1beta1::{
    AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, Tx, TxBody, TxRaw,
};
use race_proto::Any;

use super::amount;
use super::key::Key;

/// A message as transactions carry it.
#[must_use]
pub fn any<M: Name>(message: &M) -> Any {
    Any {
        type_url: format!("/{}", M::full_name()),
        value: message.encode_to_vec(),
    }
}

/// What a transaction does and pays; not yet whose it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TxDraft {
    /// Executed in order, all or none.
    pub messages: Vec<Any>,
    /// A note for people, at most 256 characters.
    pub memo: String,
    /// The last height at which it may be executed, 0 for any.
    pub timeout_height: u64,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// What is paid for the gas limit.
    pub fee: Vec<Coin>,
    /// The signer who pays, unless that is the first.
    pub fee_payer: Option<Account>,
    /// Who pays in the payer's place, as far as it allowed.
    pub fee_granter: Option<Account>,
}

/// Where and as whom a transaction is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The account's number on it.
    pub account_number: u64,
    /// How many transactions the account has made.
    pub sequence: u64,
}

impl TxDraft {
    /// A draft of these messages, without gas and fee.
    #[must_use]
    pub fn new(messages: Vec<Any>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }

    /// Sets gas limit and fee; a fee of zero is no coin at all.
    #[must_use]
    pub fn paying(mut self, gas_limit: u64, fee: Nicoin) -> Self {
        self.gas_limit = gas_limit;
        self.fee = Vec::from_iter((fee > 0).then(|| amount::coin(fee)));
        self
    }

    /// The transaction that nobody has signed, for [`document`](super::document).
    #[must_use]
    pub fn transaction(&self) -> Tx {
        Tx {
            body: Some(self.body()),
            auth_info: Some(AuthInfo {
                fee: Some(self.fee()),
                ..AuthInfo::default()
            }),
            signatures: Vec::new(),
        }
    }

    /// The encoded `TxBody`.
    #[must_use]
    pub fn body_bytes(&self) -> Vec<u8> {
        self.body().encode_to_vec()
    }

    fn body(&self) -> TxBody {
        TxBody {
            messages: self.messages.clone(),
            memo: self.memo.clone(),
            timeout_height: self.timeout_height,
            ..TxBody::default()
        }
    }

    fn fee(&self) -> Fee {
        let address = |account: Option<Account>| account.map(|a| a.to_string());
        Fee {
            amount: self.fee.clone(),
            gas_limit: self.gas_limit,
            payer: address(self.fee_payer).unwrap_or_default(),
            granter: address(self.fee_granter).unwrap_or_default(),
        }
    }

    /// The encoded `AuthInfo` with one signer; without a key when it is only simulated.
    #[must_use]
    pub fn auth_info_bytes(&self, public_key: Option<[u8; 33]>, sequence: u64) -> Vec<u8> {
        let single = Single {
            mode: SignMode::Direct.into(),
        };
        let signer = SignerInfo {
            public_key: public_key.map(|key| any(&PubKey { key: key.to_vec() })),
            mode_info: Some(ModeInfo {
                sum: Some(Sum::Single(single)),
            }),
            sequence,
        };
        AuthInfo {
            signer_infos: vec![signer],
            fee: Some(self.fee()),
            ..AuthInfo::default()
        }
        .encode_to_vec()
    }

    /// The bytes that `public_key` signs.
    #[must_use]
    pub fn sign_bytes(&self, public_key: [u8; 33], signer: Signer<'_>) -> Vec<u8> {
        SignDoc {
            body_bytes: self.body_bytes(),
            auth_info_bytes: self.auth_info_bytes(Some(public_key), signer.sequence),
            chain_id: signer.chain_id.to_owned(),
            account_number: signer.account_number,
        }
        .encode_to_vec()
    }

    /// The signed transaction: an encoded `TxRaw`, ready to be broadcast.
    #[must_use]
    pub fn sign(&self, key: &Key, signer: Signer<'_>) -> Vec<u8> {
        let public_key = key.public_key();
        TxRaw {
            body_bytes: self.body_bytes(),
            auth_info_bytes: self.auth_info_bytes(Some(public_key), signer.sequence),
            signatures: vec![key.sign(&self.sign_bytes(public_key, signer)).to_vec()],
        }
        .encode_to_vec()
    }

    /// The transaction with an empty signature, which a node simulates but never executes.
    #[must_use]
    pub fn unsigned(&self, public_key: Option<[u8; 33]>, sequence: u64) -> Vec<u8> {
        TxRaw {
            body_bytes: self.body_bytes(),
            auth_info_bytes: self.auth_info_bytes(public_key, sequence),
            signatures: vec![Vec::new()],
        }
        .encode_to_vec()
    }
}
