//! Parameters: one typed registry of every module's.
//!
//! Governance changes them with `MsgUpdateParams`. Those of `tx` and `gov` take effect at once; all
//! others may touch the calendar or a step in progress, so they wait for the next switch, where
//! `epoch` calls [`apply_pending`].

mod fits;
pub mod msgs;
pub mod queries;
mod registry;

use crate::error::TxError;
use crate::events::typed;
use crate::state::State;

use race_proto::race::params::v1::EventParamChanged;

pub use fits::{fits, Misfit};
pub use msgs::MESSAGES;
pub use queries::QUERIES;
pub use registry::{all, find, get, pending, ParamSpec, STORE};

/// The parameters of every module that has some.
pub(crate) const MODULES: &[&[ParamSpec]] = &[
    // one line for each module, in the order of their names
    crate::authz::params::ALL,
    crate::bond::params::ALL,
    crate::duty::params::ALL,
    crate::epoch::params::ALL,
    crate::feegrant::params::ALL,
    crate::gov::params::ALL,
    crate::model::params::ALL,
    crate::node::params::ALL,
    crate::pricing::params::ALL,
    crate::race::params::ALL,
    crate::reputation::params::ALL,
    crate::session::params::ALL,
    crate::settlement::params::ALL,
    crate::treasury::params::ALL,
    crate::tx::params::ALL,
];

/// Modules whose parameters take effect at once.
const IMMEDIATE: &[&str] = &["gov", "tx"];

/// Which defaults a new chain starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A public network.
    Network,
    /// One machine, minutes instead of hours.
    Local,
}

impl Profile {
    /// The default of a parameter.
    pub fn default_of(self, spec: &ParamSpec) -> u64 {
        match self {
            Self::Network => spec.network,
            Self::Local => spec.local,
        }
    }
}

/// Finds a parameter and checks a value against its bounds.
///
/// # Errors
/// A sentence that names the bounds.
pub fn check(name: &str, value: u64) -> Result<&'static ParamSpec, String> {
    let spec = find(name).ok_or_else(|| format!("there is no parameter {name:?}"))?;
    match (spec.min..=spec.max).contains(&value) {
        true => Ok(spec),
        false => Err(format!(
            "parameter {name} must be from {} to {} {}, got {value}",
            spec.min, spec.max, spec.unit
        )),
    }
}

/// Sets every parameter from a profile and the overrides by name.
///
/// # Errors
/// A sentence, when an override is unknown or out of bounds.
pub fn init_genesis<'a>(
    state: &mut State,
    profile: Profile,
    overrides: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<(), String> {
    for spec in all() {
        set(state, spec, profile.default_of(spec));
    }
    for (name, value) in overrides {
        let spec = check(name, value)?;
        set(state, spec, value);
    }
    state.take_events();
    Ok(())
}

/// Sets a parameter now; event when it changes.
fn set(state: &mut State, spec: &ParamSpec, value: u64) {
    let from = registry::VALUES.get(state, &spec.name.to_owned());
    if from == Some(value) {
        return;
    }
    registry::VALUES.put(state, &spec.name.to_owned(), &value);
    let from = from.unwrap_or(spec.network);
    state.emit(typed(&EventParamChanged {
        name: spec.name.to_owned(),
        from,
        to: value,
    }));
}

/// Sets a parameter now, or keeps the value for the next switch.
fn schedule(state: &mut State, spec: &ParamSpec, value: u64) {
    let module = spec.name.split('/').next().unwrap_or_default();
    match IMMEDIATE.contains(&module) {
        true => set(state, spec, value),
        false => registry::PENDING.put(state, &spec.name.to_owned(), &value),
    }
}

/// Puts the values that waited for the switch into force.
pub fn apply_pending(state: &mut State) {
    for (name, value) in registry::PENDING.all(state) {
        registry::PENDING.remove(state, &name);
        if let Some(spec) = find(&name) {
            set(state, spec, value);
        }
    }
}

/// The refusal of a value.
fn refused(reason: String) -> TxError {
    TxError::sdk(18, format!("{reason}: invalid request"))
}

#[cfg(test)]
mod tests;
