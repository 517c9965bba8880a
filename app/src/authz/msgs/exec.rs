//! `MsgExec`: messages of others, sent under their grants.

use race_proto::cosmos::authz::v1beta1::{MsgExec, MsgExecResponse};
use race_proto::Any;

use crate::address::Account;
use crate::authz::{take, Error};
use crate::context::Context;
use crate::error::TxError;
use crate::events::attribute;
use crate::message::{decode, response, signer, CheckedMsg, Lane};
use crate::registry;
use crate::state::State;
use crate::tx::gas;

/// The type of the message.
pub(super) const TYPE_URL: &str = "/cosmos.authz.v1beta1.MsgExec";

/// Most messages of an execution, with those of the executions in it.
const MAX_MESSAGES: usize = 64;

/// How many executions may lie in each other: a grantee's, and around it that of one to whom the grantee
/// has granted executions.
const MAX_DEPTH: usize = 2;

struct Exec {
    grantee: Account,
    messages: Vec<(Any, Box<dyn CheckedMsg>)>,
    /// Messages that are no executions, at any depth.
    count: usize,
}

/// Checks the messages within by their own rules.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    Ok(Box::new(Exec::parse(bytes, 1)?))
}

impl Exec {
    fn parse(bytes: &[u8], depth: usize) -> Result<Self, TxError> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH }.into());
        }
        let msg: MsgExec = decode(bytes)?;
        let mut exec = Self {
            grantee: signer(&msg.grantee)?,
            messages: Vec::new(),
            count: 0,
        };
        for any in msg.msgs {
            let (checked, count): (Box<dyn CheckedMsg>, usize) = match any.type_url == TYPE_URL {
                true => {
                    let inner = Self::parse(&any.value, depth.saturating_add(1))?;
                    let count = inner.count;
                    (Box::new(inner), count)
                }
                false => (checked(&any)?, 1),
            };
            exec.count = exec.count.saturating_add(count);
            exec.messages.push((any, checked));
            if exec.count.max(exec.messages.len()) > MAX_MESSAGES {
                let limit = MAX_MESSAGES;
                return Err(Error::TooManyMessages { limit }.into());
            }
        }
        Ok(exec)
    }
}

fn checked(any: &Any) -> Result<Box<dyn CheckedMsg>, TxError> {
    let url = &any.type_url;
    let unknown = || {
        TxError::sdk(
            2,
            format!("unable to resolve type URL {url}: tx parse error"),
        )
    };
    let kind = registry::message(url).ok_or_else(unknown)?;
    let checked = (kind.parse)(&any.value)?;
    match checked.lane() {
        Lane::User => Ok(checked),
        Lane::Protocol => Err(Error::Protocol {
            type_url: url.clone(),
        }
        .into()),
    }
}

impl CheckedMsg for Exec {
    fn signer(&self) -> Account {
        self.grantee
    }

    fn gas(&self) -> u64 {
        let within = self.messages.iter().map(|(_, message)| message.gas());
        within.fold(gas::SMALL, u64::saturating_add)
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        if self.messages.is_empty() {
            let log = "messages cannot be empty: invalid request";
            return Err(TxError::sdk(18, log));
        }
        let mut results = Vec::with_capacity(self.messages.len());
        for (index, (any, message)) in self.messages.iter().enumerate() {
            take(state, context, message.signer(), self.grantee, any)?;
            // A layer of its own, so that its events are known.
            state.begin();
            let executed = message.execute(state, context);
            let events = state.take_events();
            state.keep();
            let answer = executed.map_err(|error| TxError {
                log: format!(
                    "failed to execute message; message {index}, {}: {}",
                    any.type_url, error.log
                ),
                ..error
            })?;
            results.push(answer.value);
            for mut event in events {
                let number = attribute("authz_msg_index", index.to_string());
                event.attributes.push(number);
                state.emit(event);
            }
        }
        Ok(response(&MsgExecResponse { results }))
    }
}
