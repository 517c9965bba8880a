//! Versions of the state machine.
//!
//! State records the version that it was last changed by. A program with a higher version brings
//! the steps from each older one in [`MIGRATIONS`] and applies them at the start of its first
//! block. A program that is older than the state stops. Halting at an agreed height (a software
//! upgrade by proposal) is not supported yet; this is the room for it.

pub mod queries;

use crate::state::{Item, State};

pub use queries::QUERIES;

/// The version of this program's state machine.
pub const APP_VERSION: u64 = 1;

/// The store of this module.
pub const STORE: &str = "upgrade";

const VERSION: Item<u64> = Item::new(STORE, "app_version");

/// A step from one version to the next.
pub struct Migration {
    /// The version that the state has before.
    pub from: u64,
    /// What the step changes.
    pub run: fn(&mut State),
}

/// Every step, in the order of versions.
pub const MIGRATIONS: &[Migration] = &[];

/// Records the version at genesis.
pub fn init_genesis(state: &mut State) {
    VERSION.put(state, &APP_VERSION);
}

/// The version of the state; 0 before genesis.
pub fn version(state: &State) -> u64 {
    VERSION.get_or_default(state)
}

/// Brings older state up to this program's version.
///
/// # Panics
/// When the state is newer than the program: it must not go on.
pub fn begin_block(state: &mut State) {
    migrate(state, MIGRATIONS, APP_VERSION);
}

fn migrate(state: &mut State, steps: &[Migration], target: u64) {
    let found = version(state);
    assert!(
        found <= target,
        "the state has app version {found}, this program {target}: install the newer one"
    );
    if found == target {
        return;
    }
    for step in steps
        .iter()
        .filter(|step| step.from >= found && step.from < target)
    {
        (step.run)(state);
    }
    VERSION.put(state, &target);
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[Migration] = &[
        Migration {
            from: 1,
            run: |state| state.put("test", b"a".to_vec(), b"1".to_vec()),
        },
        Migration {
            from: 2,
            run: |state| state.put("test", b"b".to_vec(), b"2".to_vec()),
        },
    ];

    #[test]
    fn only_the_steps_from_the_version_found_run_once() {
        let mut state = State::empty();
        VERSION.put(&mut state, &2);
        migrate(&mut state, STEPS, 3);
        assert_eq!((state.get("test", b"a"), version(&state)), (None, 3));
        assert_eq!(state.get("test", b"b"), Some(b"2".to_vec()));
        state.delete("test", b"b".to_vec());
        migrate(&mut state, STEPS, 3);
        assert_eq!(state.get("test", b"b"), None);
    }

    #[test]
    #[should_panic(expected = "install the newer one")]
    fn state_of_a_newer_program_stops_this_one() {
        let mut state = State::empty();
        VERSION.put(&mut state, &9);
        begin_block(&mut state);
    }
}
