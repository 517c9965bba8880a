//! The one registry of parameters: name, unit, bounds, defaults and what each is for.

use crate::state::{Map, State};

/// A parameter of the state machine. All are unsigned integers; rates are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamSpec {
    /// `module/name`.
    pub name: &'static str,
    /// Value on a public network.
    pub network: u64,
    /// Value on a local network.
    pub local: u64,
    /// Smallest allowed.
    pub min: u64,
    /// Largest allowed.
    pub max: u64,
    /// What it counts: `blocks`, `ms`, `nicoin`, `permille`, ...
    pub unit: &'static str,
    /// What it is for, with the chapter that fixes it.
    pub doc: &'static str,
}

/// The store of this module.
pub const STORE: &str = "params";

/// Values set at genesis or by governance, by name.
pub(super) const VALUES: Map<String, u64> = Map::new(STORE, "value");

/// Values that governance set and that wait for the next switch.
pub(super) const PENDING: Map<String, u64> = Map::new(STORE, "pending");

/// The value that the next switch brings, if it brings one.
pub fn pending(state: &State, spec: &ParamSpec) -> Option<u64> {
    PENDING.get(state, &spec.name.to_owned())
}

/// Every parameter of every module.
pub fn all() -> impl Iterator<Item = &'static ParamSpec> {
    super::MODULES.iter().flat_map(|specs| specs.iter())
}

/// Finds a parameter by name.
pub fn find(name: &str) -> Option<&'static ParamSpec> {
    all().find(|spec| spec.name == name)
}

/// The value in force. Genesis sets every parameter; one that came with a later version has its
/// network default until governance sets it.
pub fn get(state: &State, spec: &ParamSpec) -> u64 {
    VALUES
        .get(state, &spec.name.to_owned())
        .unwrap_or(spec.network)
}
