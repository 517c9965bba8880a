//! Several transactions in a file, one after the other, as `tx sign-batch` takes them.

use std::collections::BTreeMap;

use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, Tx, TxBody};

use super::document::{from_json, malformed, DocumentError};

/// Reads transactions from JSON: one a line, or with any space between them.
///
/// # Errors
/// When one is no transaction.
pub fn read(text: &str) -> Result<Vec<Tx>, DocumentError> {
    let values = serde_json::Deserializer::from_str(text).into_iter();
    let tx = |value: Result<_, serde_json::Error>| from_json(value.map_err(malformed)?);
    values.map(tx).collect()
}

/// One transaction of the messages, fees and gas limits of all, with this memo.
///
/// # Errors
/// When what they pay together is no amount.
pub fn join(all: impl IntoIterator<Item = Tx>, memo: String) -> Result<Tx, DocumentError> {
    let mut joined = TxBody {
        memo,
        ..TxBody::default()
    };
    let mut gas_limit: u64 = 0;
    let mut paid = BTreeMap::<String, u128>::new();
    for tx in all {
        joined.messages.extend(tx.body.unwrap_or_default().messages);
        let fee = tx.auth_info.unwrap_or_default().fee.unwrap_or_default();
        let gas = gas_limit.checked_add(fee.gas_limit);
        gas_limit = gas.ok_or_else(|| malformed("the gas limits are beyond 64 bits together"))?;
        for coin in fee.amount {
            let sum = paid.entry(coin.denom).or_default();
            let more = coin.amount.parse().ok();
            let more = more.and_then(|more: u128| sum.checked_add(more));
            *sum = more.ok_or_else(|| {
                malformed(format!("fees of {} are no amount together", coin.amount))
            })?;
        }
    }
    let coin = |(denom, amount): (String, u128)| Coin {
        denom,
        amount: amount.to_string(),
    };
    Ok(Tx {
        body: Some(joined),
        auth_info: Some(AuthInfo {
            fee: Some(Fee {
                amount: paid.into_iter().map(coin).collect(),
                gas_limit,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        }),
        signatures: Vec::new(),
    })
}
