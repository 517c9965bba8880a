//! The checks before a transaction's messages execute, in the SDK's order: signatures there,
//! timeout, memo, size, fee, keys, sequences, signatures.
//!
//! What they change (fee, key, sequence) stays even if a message fails.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use prost::Message;
use race_proto::cosmos::auth::v1beta1::BaseAccount;
use race_proto::cosmos::crypto::multisig::v1beta1::MultiSignature;
use race_proto::cosmos::tx::v1beta1::{SignDoc, SignerInfo};

use super::decode::CheckedTx;
use super::gas::{self, Meter};
use super::params;
use super::signature::{Documents, PublicKey, Signed};
use crate::address::Account;
use crate::auth;
use crate::bank::{self, coins::AnyCoin};
use crate::coin::DENOM;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
use crate::feegrant;
use crate::message::Lane;
use crate::params::get;
use crate::state::State;

/// Why a transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In a block.
    Deliver,
    /// Before it enters the mempool.
    Check,
    /// After a block, in the mempool: its signatures were verified before.
    Recheck,
    /// To learn its gas: signatures, fee and keys may be missing.
    Simulate,
}

/// The one message that an account may send before it exists.
pub const REGISTER_NODE: &str = "/race.node.v1.MsgRegisterNode";

/// Whether the transaction registers a node from an account that does not exist yet: accepted with
/// account number 0 and sequence 0, when it is the only message.
pub fn is_newcomer(state: &State, tx: &CheckedTx) -> bool {
    let registers = matches!(tx.messages.as_slice(), [(url, _)] if url == REGISTER_NODE);
    match tx.signers.as_slice() {
        [signer] => registers && auth::account(state, signer).is_none(),
        _ => false,
    }
}

/// One signer with what the transaction says about it.
struct Signer<'a> {
    index: usize,
    account: Account,
    info: Option<&'a SignerInfo>,
    key: Option<PublicKey>,
    /// `None` in a simulation that leaves it out.
    signed: Option<Signed>,
}

/// Runs all checks. On success the fee is taken, keys are set and sequences counted.
///
/// # Errors
/// The SDK's, with its codes.
pub fn run(
    state: &mut State,
    context: &Context<'_>,
    tx: &CheckedTx,
    meter: &mut Meter,
    mode: Mode,
) -> Result<(), TxError> {
    check_shape(state, tx, mode)?;
    check_timeout(context, tx)?;
    check_memo(state, tx)?;
    meter.consume(gas::BASE, "txBase")?;
    meter.consume(gas::of_size(tx.size, mode), "txSize")?;
    let newcomer = is_newcomer(state, tx);
    if newcomer {
        auth::ensure_account(state, &tx.fee_payer);
    }
    pay_fee(state, context, tx, mode)?;
    let signers = signers(tx, mode)?;
    for signer in &signers {
        set_key(state, signer, mode)?;
    }
    emit_signers(state, tx, &signers);
    let keys = keys(state, &signers)?;
    check_count(state, &keys)?;
    for (signer, key) in signers.iter().zip(&keys) {
        let costs = match key {
            Some(key) => key.gas(signer.signed.as_ref()),
            None => vec![(gas::SECP256K1, "ante verify: secp256k1")],
        };
        for (cost, location) in costs {
            meter.consume(cost, location)?;
        }
    }
    for (signer, key) in signers.iter().zip(&keys) {
        verify(state, context, tx, signer, key.as_ref(), newcomer, mode)?;
    }
    for signer in &signers {
        let mut record = record(state, &signer.account)?;
        record.sequence = record.sequence.saturating_add(1);
        auth::set_account(state, &signer.account, &record);
    }
    Ok(())
}

fn check_shape(state: &State, tx: &CheckedTx, mode: Mode) -> Result<(), TxError> {
    if tx.gas_limit > i64::MAX.unsigned_abs() {
        let log = format!(
            "invalid gas supplied; {} > {}: invalid request",
            tx.gas_limit,
            i64::MAX
        );
        return Err(TxError::sdk(18, log));
    }
    if mode == Mode::Simulate {
        return Ok(());
    }
    if tx.signatures.is_empty() {
        return Err(TxError::sdk(15, "no signatures supplied"));
    }
    let expected = tx.signers.len();
    if tx.signatures.len() != expected {
        let got = tx.signatures.len();
        return Err(TxError::sdk(
            4,
            format!("wrong number of signers; expected {expected}, got {got}: unauthorized"),
        ));
    }
    if tx.signer_infos.len() != expected {
        let got = tx.signer_infos.len();
        return Err(TxError::sdk(
            4,
            format!("invalid number of signer;  expected: {expected}, got {got}: unauthorized"),
        ));
    }
    if tx.lane == Lane::User && tx.gas_limit == 0 && get(state, &params::MIN_GAS_PRICE) > 0 {
        return Err(TxError::sdk(
            41,
            "must provide positive gas: invalid gas limit",
        ));
    }
    Ok(())
}

fn check_timeout(context: &Context<'_>, tx: &CheckedTx) -> Result<(), TxError> {
    if tx.timeout_height == 0 || context.height <= tx.timeout_height {
        return Ok(());
    }
    let (now, limit) = (context.height, tx.timeout_height);
    Err(TxError::sdk(
        30,
        format!("block height: {now}, timeout height: {limit}: tx timeout height"),
    ))
}

fn check_memo(state: &State, tx: &CheckedTx) -> Result<(), TxError> {
    let limit = get(state, &params::MAX_MEMO);
    let length = u64::try_from(tx.memo.len()).unwrap_or(u64::MAX);
    match length <= limit {
        true => Ok(()),
        false => Err(TxError::sdk(
            12,
            format!("maximum number of characters is {limit} but received {length} characters: memo too large"),
        )),
    }
}

/// The keys behind all signatures, each of several counted.
fn check_count(state: &State, keys: &[Option<PublicKey>]) -> Result<(), TxError> {
    let limit = get(state, &params::MAX_SIGNATURES);
    let count = keys.iter().flatten().map(PublicKey::count).sum::<usize>();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    match count <= limit {
        true => Ok(()),
        false => Err(TxError::sdk(
            14,
            format!("signatures: {count}, limit: {limit}: maximum number of signatures exceeded"),
        )),
    }
}

/// The least fee: gas limit times the minimum price, rounded up, in nicoin.
fn least_fee(state: &State, gas_limit: u64) -> u128 {
    let price = u128::from(get(state, &params::MIN_GAS_PRICE));
    u128::from(gas_limit).saturating_mul(price).div_ceil(1000)
}

fn pay_fee(
    state: &mut State,
    context: &Context<'_>,
    tx: &CheckedTx,
    mode: Mode,
) -> Result<(), TxError> {
    if tx.lane == Lane::Protocol && !tx.fee.is_zero() {
        let log = "protocol messages pay no fee; leave the fee's amount empty: invalid request";
        return Err(TxError::sdk(18, log));
    }
    if !tx.fee.0.is_empty() && !tx.fee.is_zero() && !tx.fee.is_valid() {
        return Err(TxError::sdk(
            13,
            format!("invalid fee amount: {}: insufficient fee", tx.fee),
        ));
    }
    if tx.lane == Lane::User && mode != Mode::Simulate {
        let least = least_fee(state, tx.gas_limit);
        if tx.fee.nicoin() < least {
            let log = format!(
                "insufficient fees; got: {} required: {}: insufficient fee",
                tx.fee,
                bank::shown(least)
            );
            return Err(TxError::sdk(13, log));
        }
    }
    let payer = tx.payer();
    if payer != tx.fee_payer {
        feegrant::take(state, context, payer, tx)?;
    }
    if auth::account(state, &payer).is_none() {
        let log = format!("fee payer address: {payer} does not exist: unknown address");
        return Err(TxError::sdk(9, log));
    }
    if let Some(foreign) = tx.fee.foreign() {
        return Err(bank::insufficient(0, foreign.digits(), &foreign.denom));
    }
    let spendable = bank::spendable(state, &payer);
    let too_much = |coin: &&AnyCoin| coin.amount() > spendable;
    if let Some(coin) = tx.fee.0.first().filter(too_much) {
        return Err(bank::insufficient(spendable, coin.digits(), DENOM));
    }
    let collector = auth::module_account(auth::FEE_COLLECTOR);
    bank::transfer(state, &payer, &collector, tx.fee.nicoin())?;
    let fee = if tx.fee.is_zero() {
        String::new()
    } else {
        tx.fee.to_string()
    };
    state.emit(event(
        "tx",
        &[("fee", &fee), ("fee_payer", &payer.to_string())],
    ));
    Ok(())
}

fn signers(tx: &CheckedTx, mode: Mode) -> Result<Vec<Signer<'_>>, TxError> {
    let of = |(index, account): (usize, &Account)| {
        let info = tx.signer_infos.get(index);
        let key = info
            .and_then(|info| info.public_key.as_ref())
            .map(PublicKey::unpack)
            .transpose()?;
        let signature = tx.signatures.get(index).map_or(&[][..], Vec::as_slice);
        let signed = match Signed::read(info.and_then(|i| i.mode_info.as_ref()), signature) {
            Ok(signed) => Some(signed),
            Err(_) if mode == Mode::Simulate => None,
            Err(error) => return Err(error),
        };
        Ok(Signer {
            index,
            account: *account,
            info,
            key,
            signed,
        })
    };
    tx.signers.iter().enumerate().map(of).collect()
}

/// Each signer's key: its account's, or the one that the transaction shows.
fn keys(state: &State, signers: &[Signer<'_>]) -> Result<Vec<Option<PublicKey>>, TxError> {
    let of = |signer: &Signer<'_>| {
        let known = auth::account(state, &signer.account).and_then(|record| record.pub_key);
        match known {
            Some(key) => PublicKey::unpack(&key).map(Some),
            None => Ok(signer.key.clone()),
        }
    };
    signers.iter().map(of).collect()
}

fn record(state: &State, account: &Account) -> Result<BaseAccount, TxError> {
    let missing = || {
        TxError::sdk(
            9,
            format!("account {account} does not exist: unknown address"),
        )
    };
    auth::account(state, account).ok_or_else(missing)
}

/// Stores the signer's key at its first transaction.
fn set_key(state: &mut State, signer: &Signer<'_>, mode: Mode) -> Result<(), TxError> {
    let Some(key) = &signer.key else {
        return Ok(());
    };
    if mode != Mode::Simulate && key.account() != signer.account {
        let log = format!(
            "pubKey does not match signer address {} with signer index: {}: invalid pubkey",
            signer.account, signer.index
        );
        return Err(TxError::sdk(8, log));
    }
    let mut record = record(state, &signer.account)?;
    if record.pub_key.is_none() {
        record.pub_key = signer.info.and_then(|info| info.public_key.clone());
        auth::set_account(state, &signer.account, &record);
    }
    Ok(())
}

fn emit_signers(state: &mut State, tx: &CheckedTx, signers: &[Signer<'_>]) {
    for signer in signers {
        let sequence = signer.info.map_or(0, |info| info.sequence);
        state.emit(event(
            "tx",
            &[("acc_seq", &format!("{}/{sequence}", signer.account))],
        ));
        let signature = tx
            .signatures
            .get(signer.index)
            .filter(|signature| !signature.is_empty());
        let Some(signature) = signature else {
            continue;
        };
        // Of several keys, each one's and then the whole.
        let mut shown = Vec::new();
        if let Some(Signed::Several { parts, .. }) = &signer.signed {
            shown.extend(parts.iter().map(|(_, signature)| signature.clone()));
            let signatures = shown.clone();
            shown.push(MultiSignature { signatures }.encode_to_vec());
        } else {
            shown.push(signature.clone());
        }
        for signature in shown {
            state.emit(event("tx", &[("signature", &STANDARD.encode(signature))]));
        }
    }
}

fn verify(
    state: &State,
    context: &Context<'_>,
    tx: &CheckedTx,
    signer: &Signer<'_>,
    key: Option<&PublicKey>,
    newcomer: bool,
    mode: Mode,
) -> Result<(), TxError> {
    let record = record(state, &signer.account)?;
    let Some(info) = signer.info else {
        return Ok(());
    };
    if info.sequence != record.sequence {
        let log = format!(
            "account sequence mismatch, expected {}, got {}: incorrect account sequence",
            record.sequence, info.sequence
        );
        return Err(TxError::sdk(32, log));
    }
    if matches!(mode, Mode::Simulate | Mode::Recheck) {
        return Ok(());
    }
    let Some(key) = key else {
        return Err(TxError::sdk(
            8,
            "pubkey on account is not set: invalid pubkey",
        ));
    };
    let Some(signed) = &signer.signed else {
        return Ok(());
    };
    // A newcomer cannot know the number that its account will get.
    let number = if newcomer { 0 } else { record.account_number };
    let documents = Documents {
        direct: SignDoc {
            body_bytes: tx.body_bytes.clone(),
            auth_info_bytes: tx.auth_info_bytes.clone(),
            chain_id: context.chain_id.to_owned(),
            account_number: number,
        },
        sequence: record.sequence,
    };
    key.verify(signed, &documents).map_err(|reason| {
        let (chain_id, sequence) = (context.chain_id, record.sequence);
        // In the SDK's words, which differ by mode: amino's bytes hold the sequence.
        let causes = match signed.is_amino() {
            true => format!(
                "account number ({number}), sequence ({sequence}) and chain-id ({chain_id})"
            ),
            false => format!("account number ({number}) and chain-id ({chain_id}): ({reason})"),
        };
        let log = format!("signature verification failed; please verify {causes}: unauthorized");
        TxError::sdk(4, log)
    })
}
