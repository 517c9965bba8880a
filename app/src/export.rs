//! A new chain out of the state of another.
//!
//! | carried over | |
//! |---|---|
//! | vesting | what is still locked, free when it would have been |
//! | coins | every account's balance, with what modules held for it: escrow left in open sessions, fees of unfinished tasks (back to the session's owner), deposits, unreleased rewards, bonds |
//! | treasury and training fund | with the gas fees of the epoch |
//! | issuance | what was minted and burned, and since when it is measured |
//! | parameters | the values in force, and those that waited for a switch |
//! | models, retired ones too | as they are, registered before the first block |
//! | the Race's preset | as it is |
//! | grants, fee allowances | those that are not over |
//! | governance | the next proposal's id |
//!
//! Everything else starts anew: account numbers, sequences and public keys (so the new chain must have
//! another id: else transactions of the old one would be valid again), nodes and their power, the
//! committee and its key, epochs, races, sessions, proposals, price, reputations, evidence.
//!
//! Invariant: not a coin is lost or made.

use std::collections::BTreeMap;

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, SerializeOptions};
use race_pricing::subsidy::CORE_INCENTIVE;
use race_proto::race::treasury::v1::Issuance;
use serde::{Deserialize, Serialize};

use crate::address::Account;
use crate::auth;
use crate::authz;
use crate::bank;
use crate::coin::{self, Nicoin};
use crate::genesis::{
    AppGenesis, GenesisAccount, GenesisError, GenesisVesting, ProfileName, FOUNDERS_SHARE,
};
use crate::node::genesis::GenesisNode;
use crate::state::State;
use crate::{bond, chain, feegrant, gov, model, params, race, session, settlement, treasury};

/// What a chain before this one handed over, beside what every genesis has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The chain that it was.
    pub chain_id: String,
    /// Its last height.
    pub height: u64,
    /// All coins there were.
    pub supply: String,
    /// The treasury's coins.
    pub treasury: String,
    /// The training fund's coins.
    pub training_fund: String,
    /// Coins minted as subsidy.
    pub minted: String,
    /// Fees that counted towards it.
    pub fees_counted: String,
    /// Coins burned.
    pub burned: String,
    /// Since when issuance is measured, ms since 1970.
    pub issued_since_ms: Option<u64>,
    /// The id of the next proposal.
    pub next_proposal: u64,
}

/// Why a state cannot be handed over.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no chain in it.
    #[error("the state is empty: there is nothing to export before the first block")]
    Empty,
    /// The sum is not the supply: the state is damaged.
    #[error("the balances add up to {sum} nicoin, the supply is {supply}; check the state with another node's")]
    Supply {
        /// Of what would be carried over.
        sum: Nicoin,
        /// Of the state.
        supply: Nicoin,
    },
    /// Something has no JSON form.
    #[error("{what}: {reason}")]
    NoJson {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
}

/// The app state of a new chain with these first nodes.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    state: &State,
    height: u64,
    nodes: Vec<GenesisNode>,
) -> Result<AppGenesis, ExportError> {
    if height == 0 {
        return Err(ExportError::Empty);
    }
    let mut coins: BTreeMap<Account, Nicoin> = BTreeMap::new();
    let mut add = |account: Account, amount: Nicoin| {
        let sum = coins.entry(account).or_default();
        *sum = sum.saturating_add(amount);
    };
    let (treasury, training) = (treasury::treasury_account(), treasury::training_account());
    let collector = auth::module_account(auth::FEE_COLLECTOR);
    for (account, amount) in bank::balances(state) {
        match auth::module_name(&account) {
            None => add(account, amount),
            Some(_) if account == treasury || account == training => add(account, amount),
            Some(_) if account == collector => add(treasury, amount),
            // What the other modules hold is somebody's.
            Some(_) => {}
        }
    }
    for owed in [
        session::export::owed(state),
        settlement::export::owed(state),
        gov::export::owed(state),
        treasury::export::owed(state),
        bond::export::owed(state),
    ] {
        owed.into_iter()
            .for_each(|(account, amount)| add(account, amount));
    }
    let sum = coins
        .values()
        .fold(0u128, |sum, amount| sum.saturating_add(*amount));
    let supply = bank::supply(state);
    if sum != supply {
        return Err(ExportError::Supply { sum, supply });
    }
    let issuance = treasury::issuance(state);
    let carried = Carried {
        chain_id: chain::id(state),
        height,
        supply: supply.to_string(),
        treasury: coins.remove(&treasury).unwrap_or(0).to_string(),
        training_fund: coins.remove(&training).unwrap_or(0).to_string(),
        minted: issuance.minted,
        fees_counted: issuance.fees_counted,
        burned: issuance.burned,
        issued_since_ms: treasury::export::issued_since_ms(state),
        next_proposal: gov::export::next_id(state),
    };
    let value = |spec: &params::ParamSpec| {
        params::pending(state, spec).unwrap_or_else(|| params::get(state, spec))
    };
    Ok(AppGenesis {
        profile: ProfileName::Network,
        params: params::all()
            .map(|spec| (spec.name.to_owned(), value(spec)))
            .collect(),
        race_preset: race::preset(state),
        accounts: coins
            .into_iter()
            .filter(|(_, amount)| *amount > 0)
            .map(|(account, amount)| GenesisAccount {
                address: account.to_string(),
                amount: amount.to_string(),
                vesting: auth::vesting::left(state, &account).map(|left| GenesisVesting {
                    amount: left.amount.to_string(),
                    start: left.start,
                    end: left.end,
                }),
            })
            .collect(),
        nodes,
        models: model::all(state)
            .iter()
            .map(|model| {
                json(model).map_err(|reason| ExportError::NoJson {
                    what: format!("model {}", model.id),
                    reason,
                })
            })
            .collect::<Result<_, _>>()?,
        authz: authz::export::grants(state)
            .iter()
            .map(|grant| {
                json(grant).map_err(|reason| ExportError::NoJson {
                    what: format!("the grant from {} to {}", grant.granter, grant.grantee),
                    reason,
                })
            })
            .collect::<Result<_, _>>()?,
        feegrant: feegrant::export::allowances(state)
            .iter()
            .map(|grant| {
                json(grant).map_err(|reason| ExportError::NoJson {
                    what: format!("the allowance of {} by {}", grant.grantee, grant.granter),
                    reason,
                })
            })
            .collect::<Result<_, _>>()?,
        carried: Some(carried),
    })
}

fn json<M: Message + Name>(message: &M) -> Result<serde_json::Value, String> {
    let name = M::full_name();
    let descriptor = race_proto::descriptor_pool()
        .get_message_by_name(&name)
        .ok_or_else(|| format!("{name} is in no .proto file"))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic
        .transcode_from(message)
        .map_err(|error| error.to_string())?;
    dynamic
        .serialize_with_options(
            serde_json::value::Serializer,
            &SerializeOptions::new().use_proto_field_name(true),
        )
        .map_err(|error| error.to_string())
}

impl Carried {
    /// All coins there were: no more than the founders' share and what was minted, which is at most the
    /// core incentive. So no sum of what a genesis file funds leaves a balance's range.
    ///
    /// # Errors
    /// It is more, or no amount.
    pub(crate) fn supply(&self) -> Result<Nicoin, GenesisError> {
        let amount = |text: &str| coin::parse(text).map_err(GenesisError::because);
        let (supply, minted) = (amount(&self.supply)?, amount(&self.minted)?);
        if minted > CORE_INCENTIVE {
            return Err(GenesisError::because(format!(
                "{minted} nicoin were minted, at most {CORE_INCENTIVE} may be"
            )));
        }
        let most = FOUNDERS_SHARE.saturating_add(minted);
        match supply <= most {
            true => Ok(supply),
            false => Err(GenesisError::because(format!(
                "the exported chain had {supply} nicoin; with {minted} minted there are at most {most}"
            ))),
        }
    }

    /// Puts what was handed over into the state of the new chain; the accounts are funded already.
    ///
    /// # Errors
    /// The coins do not add up, or the new chain has the old one's id.
    pub(crate) fn apply(&self, state: &mut State, chain_id: &str) -> Result<(), GenesisError> {
        if chain_id == self.chain_id {
            return Err(GenesisError::because(format!(
                "the chain has the id of the one that it was exported from, {chain_id}: give it another"
            )));
        }
        let stated = self.supply()?;
        for (account, amount) in [
            (treasury::treasury_account(), &self.treasury),
            (treasury::training_account(), &self.training_fund),
        ] {
            let amount = coin::parse(amount).map_err(GenesisError::because)?;
            if amount > stated {
                return Err(GenesisError::because(format!(
                    "{account} gets {amount} nicoin, the exported chain had {stated}"
                )));
            }
            bank::mint(state, &account, amount);
        }
        let supply = bank::supply(state);
        if supply != stated {
            return Err(GenesisError::because(format!(
                "accounts, treasury and training fund get {supply} nicoin, the exported chain had {stated}"
            )));
        }
        let issuance = Issuance {
            minted: self.minted.clone(),
            fees_counted: self.fees_counted.clone(),
            burned: self.burned.clone(),
        };
        for amount in [&issuance.minted, &issuance.fees_counted, &issuance.burned] {
            coin::parse(amount).map_err(GenesisError::because)?;
        }
        treasury::export::carry(state, &issuance, self.issued_since_ms);
        gov::export::carry(state, self.next_proposal);
        Ok(())
    }
}
