//! `MsgSoftwareUpgrade`: plans an upgrade. A plan that there is already is replaced.

use race_proto::cosmos::upgrade::v1beta1::{MsgSoftwareUpgrade, MsgSoftwareUpgradeResponse, Plan};
use race_proto::Any;

use crate::address::Account;
use crate::context::Context;
use crate::error::TxError;
use crate::gov;
use crate::message::{decode, response, signer, CheckedMsg};
use crate::state::State;
use crate::tx::gas;
use crate::upgrade::{brings, keys, version, Error};

const MAX_INFO: usize = 10_200;

struct SoftwareUpgrade {
    authority: Account,
    plan: Plan,
    brings: u64,
}

/// The name must say which version comes, and only a height may say when.
pub(super) fn parse(bytes: &[u8]) -> Result<Box<dyn CheckedMsg>, TxError> {
    let msg: MsgSoftwareUpgrade = decode(bytes)?;
    let authority = signer(&msg.authority)?;
    let plan = msg.plan.unwrap_or_default();
    let brings = brings(&plan.name).ok_or_else(|| Error::InvalidName {
        name: plan.name.clone(),
    })?;
    if plan.info.len() > MAX_INFO {
        return Err(Error::TooLong {
            limit: MAX_INFO,
            length: plan.info.len(),
        }
        .into());
    }
    // Clients of the SDK fill `time` with Go's zero, which is before 1970.
    #[allow(deprecated)]
    let old = [
        ("time", plan.time.is_some_and(|time| time.seconds >= 0)),
        (
            "upgraded_client_state",
            plan.upgraded_client_state.is_some(),
        ),
    ];
    if let Some((what, _)) = old.into_iter().find(|(_, there)| *there) {
        let what = what.to_owned();
        return Err(Error::NotSupported { what }.into());
    }
    Ok(Box::new(SoftwareUpgrade {
        authority,
        brings,
        plan: Plan {
            name: plan.name,
            height: plan.height,
            info: plan.info,
            ..Plan::default()
        },
    }))
}

impl CheckedMsg for SoftwareUpgrade {
    fn signer(&self) -> Account {
        self.authority
    }

    fn gas(&self) -> u64 {
        gas::SMALL
    }

    fn execute(&self, state: &mut State, context: &Context<'_>) -> Result<Any, TxError> {
        gov::require_authority(&self.authority)?;
        let height = self.plan.height;
        if u64::try_from(height).map_or(true, |height| height <= context.height) {
            let now = context.height;
            return Err(Error::InThePast { height, now }.into());
        }
        let version = version(state);
        if self.brings <= version {
            let name = self.plan.name.clone();
            return Err(Error::NotNewer { name, version }.into());
        }
        keys::PLAN.put(state, &self.plan);
        Ok(response(&MsgSoftwareUpgradeResponse {}))
    }
}
