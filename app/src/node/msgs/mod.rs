//! Messages of `node`.

mod register;
mod update;

#[cfg(test)]
pub(super) use register::put;
pub(super) use register::{insert, Register};

use race_proto::race::node::v1::Endpoints;

use super::errors::Error;
use crate::address::Account;
use crate::auth;
use crate::message::MessageType;

/// The type URL of a registration.
pub const REGISTER: &str = "/race.node.v1.MsgRegisterNode";

/// What transactions may carry.
pub const MESSAGES: &[MessageType] = &[
    MessageType {
        type_url: REGISTER,
        parse: register::parse,
    },
    MessageType {
        type_url: "/race.node.v1.MsgUpdateNode",
        parse: update::parse,
    },
];

const MAX_MONIKER: usize = 64;
const MAX_ENDPOINT: usize = 256;

/// An account that can sign.
pub(super) fn account(text: &str, what: &'static str) -> Result<Account, Error> {
    let account = Account::parse(text).map_err(|e| Error::BadAccount {
        what,
        reason: e.to_string(),
    })?;
    match auth::module_name(&account) {
        None => Ok(account),
        Some(_) => Err(Error::ModuleAccount { account }),
    }
}

pub(super) fn check_moniker(moniker: &str) -> Result<(), Error> {
    let length = moniker.len();
    let good = (1..=MAX_MONIKER).contains(&length) && !moniker.chars().any(char::is_control);
    good.then_some(()).ok_or(Error::BadMoniker {
        length,
        limit: MAX_MONIKER,
    })
}

pub(super) fn check_endpoints(endpoints: &Endpoints) -> Result<(), Error> {
    let plain =
        |text: &str| text.len() <= MAX_ENDPOINT && text.chars().all(|c| c.is_ascii_graphic());
    let bad = |what, got: &str| Error::BadEndpoint {
        what,
        got: got.chars().take(80).collect(),
    };
    let grpc = endpoints.grpc.as_str();
    let address = grpc.rsplit_once(':');
    let named = address.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !plain(grpc) || !named {
        return Err(bad("grpc", grpc));
    }
    let api = endpoints.api.as_str();
    let url = api.starts_with("http://") || api.starts_with("https://");
    if !api.is_empty() && (!plain(api) || !url) {
        return Err(bad("api", api));
    }
    Ok(())
}
