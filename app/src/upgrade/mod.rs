//! Versions of the state machine.
//!
//! State records the version that it was last changed by, and the plan of the next upgrade: a height, and
//! a name that says which version comes (`v2`). Governance makes and cancels plans with the messages of
//! `cosmos.upgrade.v1beta1`. Programs up to the plan execute all blocks before the height, those of the new
//! version all from there on; [`halt`] decides who may execute a block. The first thing that the new
//! program does is to migrate: [`apply`], on the state before the plan's height, so that all that it does
//! for that block, proposals included, sees its own layout.
//!
//! Invariant: a block is executed by a program of one version only, that of the state after it.

pub mod errors;
mod halt;
mod keys;
mod msgs;
mod program;
pub mod queries;

use race_proto::cosmos::upgrade::v1beta1::Plan;

use crate::state::State;

pub use errors::Error;
pub use halt::{next, Halt, Next};
pub use keys::STORE;
pub use msgs::MESSAGES;
pub use program::{Migration, Program, APP_VERSION, MIGRATIONS};
pub use queries::QUERIES;

/// Records the version at genesis.
pub fn init_genesis(state: &mut State) {
    keys::VERSION.put(state, &APP_VERSION);
}

/// The version of the state; 0 before genesis.
pub fn version(state: &State) -> u64 {
    keys::VERSION.get_or_default(state)
}

/// The upgrade that is planned.
pub fn plan(state: &State) -> Option<Plan> {
    keys::PLAN.get(state)
}

/// The version that a plan of this name brings: `v` and the number.
pub fn brings(name: &str) -> Option<u64> {
    let number = name.strip_prefix('v')?;
    let version: u64 = number.parse().ok()?;
    // One spelling for each version: neither +2 nor 02.
    (version.to_string() == number).then_some(version)
}

/// Carries the plan out: the state before its height becomes one of the program's version.
pub fn apply(state: &mut State, program: &Program) {
    if let Some(plan) = plan(state) {
        let height = u64::try_from(plan.height).unwrap_or(0);
        keys::APPLIED.put(state, &plan.name, &height);
        keys::PLAN.remove(state);
    }
    migrate(state, program);
}

/// Brings older state up to a program's version.
pub fn migrate(state: &mut State, program: &Program) {
    let found = version(state);
    let missing = |step: &&Migration| step.from >= found && step.from < program.version;
    for step in program.migrations.iter().filter(missing) {
        (step.run)(state);
    }
    keys::VERSION.put(state, &program.version);
}

#[cfg(test)]
mod tests;
