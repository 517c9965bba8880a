//! How transactions are shown: the fields of the SDK's `TxResponse` and `Tx`.

use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::cosmos::tx::v1beta1::{Fee, TxBody};

use crate::comet::rpc::Event;
use crate::proto_json as proto;
use crate::tree::Tree;

/// What is known of a transaction's end.
pub(crate) struct Response<'a> {
    /// Its block, 0 for none.
    pub(crate) height: u64,
    pub(crate) hash: &'a str,
    pub(crate) codespace: &'a str,
    pub(crate) code: u32,
    pub(crate) data: &'a [u8],
    pub(crate) log: &'a str,
    /// Wanted and used.
    pub(crate) gas: Option<(i64, i64)>,
    pub(crate) events: &'a [Event],
}

/// The fields of a `TxResponse`.
pub(crate) fn response(response: &Response<'_>) -> Vec<(String, Tree)> {
    let (wanted, used) = response.gas.unwrap_or_default();
    let fields = [
        ("height", Tree::text(response.height)),
        ("txhash", Tree::text(response.hash)),
        ("codespace", Tree::text(response.codespace)),
        ("code", Tree::from(response.code)),
        ("data", Tree::text(hex::encode_upper(response.data))),
        ("raw_log", Tree::text(response.log)),
        ("gas_wanted", Tree::text(wanted)),
        ("gas_used", Tree::text(used)),
        (
            "events",
            Tree::List(response.events.iter().map(event).collect()),
        ),
    ];
    fields.map(|(name, tree)| (name.to_owned(), tree)).into()
}

fn event(event: &Event) -> Tree {
    let attributes = event.attributes.iter().map(|attribute| {
        Tree::map([
            ("key", Tree::text(&attribute.key)),
            ("value", Tree::text(&attribute.value)),
            ("index", Tree::from(attribute.index)),
        ])
    });
    Tree::map([
        ("type", Tree::text(&event.kind)),
        ("attributes", Tree::List(attributes.collect())),
    ])
}

/// A `TxBody`.
pub(crate) fn body(body: &TxBody) -> Tree {
    let messages = body.messages.iter().map(proto::any_tree).collect();
    Tree::map([
        ("messages", Tree::List(messages)),
        ("memo", Tree::text(&body.memo)),
        ("timeout_height", Tree::text(body.timeout_height)),
        ("extension_options", Tree::List(Vec::new())),
        ("non_critical_extension_options", Tree::List(Vec::new())),
    ])
}

/// A `Fee`.
pub(crate) fn fee(fee: &Fee) -> Tree {
    Tree::map([
        ("amount", Tree::List(fee.amount.iter().map(coin).collect())),
        ("gas_limit", Tree::text(fee.gas_limit)),
        ("payer", Tree::text(&fee.payer)),
        ("granter", Tree::text(&fee.granter)),
    ])
}

fn coin(coin: &Coin) -> Tree {
    Tree::map([
        ("denom", Tree::text(&coin.denom)),
        ("amount", Tree::text(&coin.amount)),
    ])
}
