//! Proofs of possession: what a node signs with each of its keys when it registers.
//!
//! The ed25519 keys sign [`possession_message`]; the BLS keys use
//! [`SecretKey::prove_possession`], whose message binds the key itself as well. Both bind chain id
//! and operator, so that a proof cannot be carried to another chain or claimed by another operator.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use race_proto::race::node::v1::{KeyProofs, NodeKeys};
use race_randomness::bls::{self, PublicKey, SecretKey};
use race_randomness::hash::h;

use super::errors::Error;
use crate::address::Account;

/// What an ed25519 key of a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// CometBFT's validator key.
    Consensus,
    /// TLS and body encryption.
    Transport,
}

impl KeyUse {
    const fn dst(self) -> &'static str {
        match self {
            Self::Consensus => "race/node/pop/consensus/v1",
            Self::Transport => "race/node/pop/transport/v1",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Transport => "transport",
        }
    }
}

/// The 32 bytes that an ed25519 key signs to prove possession:
/// `H("race/node/pop/<use>/v1", chain id, operator's 20 bytes)`.
pub fn possession_message(key_use: KeyUse, chain_id: &str, operator: &Account) -> [u8; 32] {
    h(key_use.dst(), &[chain_id.as_bytes(), &operator.0])
}

/// Proves possession of all keys of a node: what `MsgRegisterNode` and genesis carry.
pub fn prove(
    consensus: &SigningKey,
    duty: &SecretKey,
    share: &SecretKey,
    transport: &SigningKey,
    chain_id: &str,
    operator: &Account,
) -> (NodeKeys, KeyProofs) {
    let keys = NodeKeys {
        consensus: consensus.verifying_key().to_bytes().to_vec(),
        duty: duty.public_key().to_bytes().to_vec(),
        share: share.public_key().to_bytes().to_vec(),
        transport: transport.verifying_key().to_bytes().to_vec(),
    };
    let ed25519 = |key: &SigningKey, key_use| {
        key.sign(&possession_message(key_use, chain_id, operator))
            .to_bytes()
            .to_vec()
    };
    let bls = |key: &SecretKey, key_use| {
        key.prove_possession(key_use, chain_id, &operator.0)
            .to_bytes()
            .to_vec()
    };
    let proofs = KeyProofs {
        consensus: ed25519(consensus, KeyUse::Consensus),
        duty: bls(duty, bls::KeyUse::Duty),
        share: bls(share, bls::KeyUse::Share),
        transport: ed25519(transport, KeyUse::Transport),
    };
    (keys, proofs)
}

/// The consensus key, when all keys have the lengths that they must have and none serves twice.
///
/// # Errors
/// [`Error::BadKey`].
pub(super) fn check_shape(keys: &NodeKeys) -> Result<[u8; 32], Error> {
    let bad = |what, reason: String| Error::BadKey { what, reason };
    let expected = [
        ("consensus", keys.consensus.len(), 32),
        ("duty", keys.duty.len(), bls::PUBLIC_KEY_BYTES),
        ("share", keys.share.len(), bls::PUBLIC_KEY_BYTES),
        ("transport", keys.transport.len(), 32),
    ];
    for (what, got, expected) in expected {
        if got != expected {
            return Err(bad(what, format!("expected {expected} bytes, got {got}")));
        }
    }
    if keys.consensus == keys.transport {
        return Err(bad(
            "transport",
            "it is the consensus key; make one of its own".to_owned(),
        ));
    }
    if keys.duty == keys.share {
        return Err(bad(
            "share",
            "it is the duty key; make one of its own".to_owned(),
        ));
    }
    keys.consensus
        .as_slice()
        .try_into()
        .map_err(|_| bad("consensus", "expected 32 bytes".to_owned()))
}

/// Checks all four proofs.
///
/// # Errors
/// [`Error::BadKey`] for a key that is no point of its curve, [`Error::BadProof`] for a proof that
/// does not verify.
pub fn verify(
    keys: &NodeKeys,
    proofs: &KeyProofs,
    chain_id: &str,
    operator: &Account,
) -> Result<(), Error> {
    verify_ed25519(
        KeyUse::Consensus,
        &keys.consensus,
        &proofs.consensus,
        chain_id,
        operator,
    )?;
    verify_ed25519(
        KeyUse::Transport,
        &keys.transport,
        &proofs.transport,
        chain_id,
        operator,
    )?;
    verify_bls(
        bls::KeyUse::Duty,
        "duty",
        &keys.duty,
        &proofs.duty,
        chain_id,
        operator,
    )?;
    verify_bls(
        bls::KeyUse::Share,
        "share",
        &keys.share,
        &proofs.share,
        chain_id,
        operator,
    )
}

fn verify_ed25519(
    key_use: KeyUse,
    key: &[u8],
    proof: &[u8],
    chain_id: &str,
    operator: &Account,
) -> Result<(), Error> {
    let what = key_use.name();
    let bad = |reason: String| Error::BadKey { what, reason };
    let bytes = key
        .try_into()
        .map_err(|_| bad(format!("expected 32 bytes, got {}", key.len())))?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|e| bad(e.to_string()))?;
    let proof = Signature::from_slice(proof).map_err(|_| Error::BadProof { what })?;
    // Strict: refuses keys of small order, for which anybody can sign.
    key.verify_strict(&possession_message(key_use, chain_id, operator), &proof)
        .map_err(|_| Error::BadProof { what })
}

fn verify_bls(
    key_use: bls::KeyUse,
    what: &'static str,
    key: &[u8],
    proof: &[u8],
    chain_id: &str,
    operator: &Account,
) -> Result<(), Error> {
    let key = PublicKey::from_bytes(key).map_err(|e| Error::BadKey {
        what,
        reason: e.to_string(),
    })?;
    let proof = bls::Signature::from_bytes(proof).map_err(|_| Error::BadProof { what })?;
    match key.verify_possession(key_use, chain_id, &operator.0, &proof) {
        true => Ok(()),
        false => Err(Error::BadProof { what }),
    }
}
