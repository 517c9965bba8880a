//! The signatures that are in a transaction: whose they are, and whether they are right.

use race_app::address::Account;
use race_app::tx::signature::{PublicKey, Signed};
use race_proto::cosmos::tx::v1beta1::{SignerInfo, Tx};

use super::document::{documents, DocumentError};
use super::sign::Signer;

/// The accounts whose signatures a transaction has, in their order.
///
/// # Errors
/// When a signature does not say by which key it is, or the other way round.
pub fn accounts(tx: &Tx) -> Result<Vec<Account>, DocumentError> {
    let infos = infos(tx);
    if infos.len() != tx.signatures.len() {
        return Err(DocumentError::ForeignSignatures);
    }
    let account = |info| key(info).map(|key| key.account());
    infos.iter().map(account).collect()
}

/// Checks the signature at a place.
///
/// # Errors
/// When there is none, or it is for something else.
pub fn verify(tx: &Tx, place: usize, signer: Signer<'_>) -> Result<(), DocumentError> {
    let found = infos(tx).get(place).zip(tx.signatures.get(place));
    let (info, signature) = found.ok_or(DocumentError::ForeignSignatures)?;
    let key = key(info)?;
    let wrong = |reason: String| DocumentError::BadPart {
        part: "the signature does not fit".to_owned(),
        reason,
    };
    let signed = Signed::read(info.mode_info.as_ref(), signature);
    let signed = signed.map_err(|error| wrong(error.log))?;
    if info.sequence != signer.sequence {
        return Err(wrong(format!(
            "it is for sequence {}, the account has {}",
            info.sequence, signer.sequence
        )));
    }
    key.verify(&signed, &documents(tx, signer)).map_err(|_| {
        wrong(format!(
            "it is for another transaction, chain than {} or account number than {}",
            signer.chain_id, signer.account_number
        ))
    })
}

fn infos(tx: &Tx) -> &[SignerInfo] {
    tx.auth_info
        .as_ref()
        .map_or(&[][..], |auth| auth.signer_infos.as_slice())
}

fn key(info: &SignerInfo) -> Result<PublicKey, DocumentError> {
    let key = info.public_key.as_ref();
    let key = key.ok_or(DocumentError::ForeignSignatures)?;
    PublicKey::unpack(key).map_err(|error| DocumentError::Content(error.log))
}
