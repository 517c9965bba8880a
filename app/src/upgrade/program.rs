//! What a program brings: its version, the way there from older ones, and how its blocks begin.

use crate::block::{self, Block};
use crate::context::Context;
use crate::state::State;

/// The version of this program's state machine.
pub const APP_VERSION: u64 = 1;

/// Every step, in the order of versions.
pub const MIGRATIONS: &[Migration] = &[];

/// A step from one version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The version that the state has before.
    pub from: u64,
    /// What the step changes: a pure function of the state.
    pub run: fn(&mut State),
}

/// A version of the state machine, as far as versions differ in more than their modules' code.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its version.
    pub version: u64,
    /// The steps to it.
    pub migrations: &'static [Migration],
    /// What is done at the start of each block.
    pub begin_block: fn(&mut State, &Context<'_>, &Block),
}

impl Default for Program {
    /// This program.
    fn default() -> Self {
        Self {
            version: APP_VERSION,
            migrations: MIGRATIONS,
            begin_block: block::begin,
        }
    }
}
