//! The checks before a transaction's messages execute, in the SDK's order: signatures there,
//! timeout, memo, size, fee, keys, sequences, signatures.
//!
//! What they change (fee, key, sequence) stays even if a message fails.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use race_proto::cosmos::auth::v1beta1::BaseAccount;
use race_proto::cosmos::tx::v1beta1::SignerInfo;

use super::decode::CheckedTx;
use super::gas::{self, Meter};
use super::params;
use super::signature::{require_direct, sign_bytes, PublicKey};
use crate::address::Account;
use crate::auth;
use crate::bank;
use crate::coin::DENOM;
use crate::context::Context;
use crate::error::TxError;
use crate::events::event;
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
    pay_fee(state, tx, mode)?;
    let signers = signers(tx)?;
    for signer in &signers {
        set_key(state, signer)?;
    }
    emit_signers(state, tx, &signers);
    check_count(state, tx)?;
    for signer in &signers {
        let secp256k1 = (gas::SECP256K1, "ante verify: secp256k1");
        let (cost, location) = signer.key.as_ref().map_or(secp256k1, PublicKey::gas);
        meter.consume(cost, location)?;
    }
    for signer in &signers {
        verify(state, context, tx, signer, newcomer, mode)?;
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

fn check_count(state: &State, tx: &CheckedTx) -> Result<(), TxError> {
    let limit = get(state, &params::MAX_SIGNATURES);
    let count = u64::try_from(tx.signers.len()).unwrap_or(u64::MAX);
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

fn pay_fee(state: &mut State, tx: &CheckedTx, mode: Mode) -> Result<(), TxError> {
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
    if auth::account(state, &tx.fee_payer).is_none() {
        let log = format!(
            "fee payer address: {} does not exist: unknown address",
            tx.fee_payer
        );
        return Err(TxError::sdk(9, log));
    }
    if let Some(foreign) = tx.fee.foreign() {
        return Err(bank::insufficient(0, foreign.digits(), &foreign.denom));
    }
    let balance = bank::balance(state, &tx.fee_payer);
    if let Some(coin) = tx.fee.0.first().filter(|coin| coin.amount() > balance) {
        return Err(bank::insufficient(balance, coin.digits(), DENOM));
    }
    let collector = auth::module_account(auth::FEE_COLLECTOR);
    bank::transfer(state, &tx.fee_payer, &collector, tx.fee.nicoin())?;
    let fee = if tx.fee.is_zero() {
        String::new()
    } else {
        tx.fee.to_string()
    };
    state.emit(event(
        "tx",
        &[("fee", &fee), ("fee_payer", &tx.fee_payer.to_string())],
    ));
    Ok(())
}

fn signers(tx: &CheckedTx) -> Result<Vec<Signer<'_>>, TxError> {
    let of = |(index, account): (usize, &Account)| {
        let info = tx.signer_infos.get(index);
        let key = info
            .and_then(|info| info.public_key.as_ref())
            .map(PublicKey::unpack)
            .transpose()?;
        Ok(Signer {
            index,
            account: *account,
            info,
            key,
        })
    };
    tx.signers.iter().enumerate().map(of).collect()
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
fn set_key(state: &mut State, signer: &Signer<'_>) -> Result<(), TxError> {
    let Some(key) = &signer.key else {
        return Ok(());
    };
    if key.account() != signer.account {
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
        if let Some(signature) = signature {
            state.emit(event("tx", &[("signature", &STANDARD.encode(signature))]));
        }
    }
}

fn verify(
    state: &State,
    context: &Context<'_>,
    tx: &CheckedTx,
    signer: &Signer<'_>,
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
    require_direct(info.mode_info.as_ref())?;
    let key = match &record.pub_key {
        Some(key) => PublicKey::unpack(key)?,
        None => {
            return Err(TxError::sdk(
                8,
                "pubkey on account is not set: invalid pubkey",
            ))
        }
    };
    // A newcomer cannot know the number that its account will get.
    let number = if newcomer { 0 } else { record.account_number };
    let signature = tx
        .signatures
        .get(signer.index)
        .map(Vec::as_slice)
        .unwrap_or_default();
    match key.verifies(&sign_bytes(tx, context.chain_id, number), signature) {
        true => Ok(()),
        false => Err(TxError::sdk(
            4,
            format!(
                "signature verification failed; please verify account number ({number}) and chain-id ({}): \
                 (unable to verify single signer signature): unauthorized",
                context.chain_id
            ),
        )),
    }
}
