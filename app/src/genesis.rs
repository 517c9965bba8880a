//! The app state of the genesis file and what it makes.

use std::collections::BTreeMap;

use prost::{Message, Name};
use prost_reflect::DynamicMessage;
use race_proto::cosmos::authz::v1beta1::GrantAuthorization;
use race_proto::cosmos::feegrant::v1beta1::Grant;
use race_proto::race::epoch::v1::Validator;
use race_proto::race::model::v1::Model;
use serde::{Deserialize, Serialize};

use crate::address::Account;
use crate::auth::vesting::Schedule;
use crate::coin::{self, Nicoin};
use crate::context::Context;
use crate::export::Carried;
use crate::node::genesis::GenesisNode;
use crate::params::{self, Profile};
use crate::state::State;
use crate::{auth, authz, bank, chain, epoch, feegrant, model, node, race, upgrade};

/// The founders' share: 160 million icoin. Accounts of genesis are funded out of it.
pub const FOUNDERS_SHARE: Nicoin = 160_000_000_000_000_000;

/// The power of each node of a new network.
pub const GENESIS_POWER: u64 = 1_000;

/// The app state of a new chain, as JSON in CometBFT's genesis file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppGenesis {
    /// Which defaults the parameters start from: `network` or `local`.
    pub profile: ProfileName,
    /// Parameters that differ from the profile, by name.
    #[serde(default)]
    pub params: BTreeMap<String, u64>,
    /// Name of the Race preset.
    pub race_preset: String,
    /// Funded accounts; together at most [`FOUNDERS_SHARE`], unless another chain hands them over.
    #[serde(default)]
    pub accounts: Vec<GenesisAccount>,
    /// The first nodes, which make blocks from the start.
    pub nodes: Vec<GenesisNode>,
    /// Models, as the JSON of `race.model.v1.Model`.
    #[serde(default)]
    pub models: Vec<serde_json::Value>,
    /// Grants, as the JSON of `cosmos.authz.v1beta1.GrantAuthorization`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authz: Vec<serde_json::Value>,
    /// Fee allowances, as the JSON of `cosmos.feegrant.v1beta1.Grant`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feegrant: Vec<serde_json::Value>,
    /// What another chain handed over; its coins are no founders' share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// The name of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileName {
    /// A public network.
    Network,
    /// One machine, minutes instead of hours.
    Local,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Network => Self::Network,
            ProfileName::Local => Self::Local,
        }
    }
}

/// A funded account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Bech32 address.
    pub address: String,
    /// Decimal amount in nicoin.
    pub amount: String,
    /// What of it is locked at first; absent for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vesting: Option<GenesisVesting>,
}

/// Coins that become free with time. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisVesting {
    /// Decimal amount in nicoin.
    pub amount: String,
    /// From when on it becomes free evenly; absent: all of it at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// When all of it is free.
    pub end: i64,
}

impl GenesisVesting {
    fn schedule(&self, account: &Account, balance: Nicoin) -> Result<Schedule, GenesisError> {
        let amount = coin::parse(&self.amount).map_err(refused)?;
        if amount == 0 || amount > balance {
            return Err(refused(format!(
                "account {account} vests {amount} nicoin of {balance}; expected more than 0 and at most all of it"
            )));
        }
        if self.start.is_some_and(|start| start >= self.end) {
            return Err(refused(format!(
                "account {account}: the end of vesting must be after its start"
            )));
        }
        Ok(Schedule {
            amount,
            start: self.start,
            end: self.end,
        })
    }
}

/// Why a genesis file is refused.
#[derive(Debug, thiserror::Error)]
#[error("the app state of the genesis file is refused: {0}")]
pub struct GenesisError(String);

impl GenesisError {
    pub(crate) fn because(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

fn refused(reason: impl std::fmt::Display) -> GenesisError {
    GenesisError::because(reason)
}

impl AppGenesis {
    /// Reads the JSON.
    ///
    /// # Errors
    /// When a field is unknown, missing or malformed.
    pub fn from_json(json: &[u8]) -> Result<Self, GenesisError> {
        serde_json::from_slice(json).map_err(refused)
    }

    /// The JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("every field has a JSON form")
    }

    /// Writes the state of a new chain; `context.height` is the height before its first block.
    /// Returns CometBFT's first validators.
    ///
    /// # Errors
    /// The first thing that a transaction would be refused for, too, a calendar whose windows do not
    /// fit, and funds above the founders' share or, with [`Self::carried`], other than were handed over.
    pub fn apply(
        &self,
        state: &mut State,
        context: &Context<'_>,
    ) -> Result<Vec<Validator>, GenesisError> {
        chain::set_id(state, context.chain_id);
        chain::set_time_ms(state, context.time_ms);
        upgrade::init_genesis(state);
        let overrides = self
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), *value));
        params::init_genesis(state, self.profile.into(), overrides).map_err(refused)?;
        params::fits(|spec| params::get(state, spec)).map_err(refused)?;
        auth::init_genesis(state);
        self.fund(state)?;
        if let Some(carried) = &self.carried {
            carried.apply(state, context.chain_id)?;
        }
        race::genesis::init(state, &self.race_preset).map_err(refused)?;
        let models = self
            .models
            .iter()
            .map(read::<Model>)
            .collect::<Result<Vec<_>, _>>()?;
        model::genesis::init(state, &models).map_err(refused)?;
        let grants = self.authz.iter().map(read::<GrantAuthorization>);
        let grants = grants.collect::<Result<Vec<_>, _>>()?;
        authz::genesis::init(state, context, grants).map_err(refused)?;
        let allowances = self.feegrant.iter().map(read::<Grant>);
        let allowances = allowances.collect::<Result<Vec<_>, _>>()?;
        feegrant::genesis::init(state, context, allowances).map_err(refused)?;
        let powers = node::genesis::init(state, context, &self.nodes).map_err(refused)?;
        let validators = epoch::genesis::init(state, context, &powers).map_err(refused)?;
        state.take_events();
        Ok(validators)
    }

    fn fund(&self, state: &mut State) -> Result<(), GenesisError> {
        let (limit, whose) = match &self.carried {
            None => (FOUNDERS_SHARE, "the founders' share"),
            Some(carried) => (carried.supply()?, "the supply that was handed over"),
        };
        let mut total: Nicoin = 0;
        for funded in &self.accounts {
            let account = Account::parse(&funded.address).map_err(refused)?;
            let amount = coin::parse(&funded.amount).map_err(refused)?;
            if auth::account(state, &account).is_some() {
                return Err(refused(format!(
                    "account {account} is there twice, or a module's"
                )));
            }
            total = total.saturating_add(amount);
            // Before it is minted: the sum of what no chain can have does not fit a balance.
            if total > limit {
                return Err(refused(format!(
                    "accounts get {total} nicoin, {whose} is {limit}"
                )));
            }
            auth::ensure_account(state, &account);
            bank::mint(state, &account, amount);
            if let Some(vesting) = &funded.vesting {
                let schedule = vesting.schedule(&account, amount)?;
                auth::vesting::lock(state, &account, &schedule);
            }
            // Nobody reads them, and of many accounts they would be many.
            state.take_events();
        }
        Ok(())
    }
}

/// Reads the JSON of a message.
fn read<M: Message + Name + Default>(json: &serde_json::Value) -> Result<M, GenesisError> {
    let name = M::full_name();
    let descriptor = race_proto::descriptor_pool()
        .get_message_by_name(&name)
        .ok_or_else(|| refused(format!("{name} is in no .proto file")))?;
    let dynamic = DynamicMessage::deserialize(descriptor, json).map_err(refused)?;
    dynamic.transcode_to().map_err(refused)
}
