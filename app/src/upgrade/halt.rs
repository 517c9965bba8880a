//! Whether a program may execute the next block, and if not, what to do.
//!
//! | version of the state | plan due at the next block | program | |
//! |---|---|---|---|
//! | v | none | v | goes on |
//! | v | to w | w | migrates, then goes on |
//! | v | to w | any other | halts: [`Halt::Due`] |
//! | v | none | older | halts: [`Halt::Outdated`] |
//! | v | none | newer | halts: [`Halt::TooEarly`] |

use super::{brings, plan, version, Program};
use crate::state::State;

/// Why a program does not execute the next block. Nothing is lost by it: the state is that of the last
/// block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The upgrade's height has come.
    #[error(
        "upgrade '{name}' is due at height {height}: install the program with app version {version} and \
         start it again; nothing was lost"
    )]
    Due {
        /// The plan's name.
        name: String,
        /// The first height under the new version.
        height: u64,
        /// The new version.
        version: u64,
    },
    /// The chain has been upgraded.
    #[error(
        "the state of height {height} has app version {found}, this program has {own}: install the program \
         with app version {found} and start it again; nothing was lost"
    )]
    Outdated {
        /// The height of the state.
        height: u64,
        /// Its version.
        found: u64,
        /// The program's.
        own: u64,
    },
    /// The chain has not been upgraded yet.
    #[error(
        "the state of height {height} has app version {found}, this program has {own}, and {until}: start \
         the program with app version {found}, which halts by itself when it is time; nothing was lost"
    )]
    TooEarly {
        /// The height of the state.
        height: u64,
        /// Its version.
        found: u64,
        /// The program's.
        own: u64,
        /// What is planned.
        until: String,
    },
    /// Another program made the first block.
    #[error(
        "the chain began with app version {found}, this program has {own} and cannot replay its first blocks: \
         join from a snapshot (state sync), or replay with the program of app version {found}, which halts \
         where the next one takes over"
    )]
    Genesis {
        /// The version of the genesis file.
        found: u64,
        /// The program's.
        own: u64,
    },
    /// The operator asked for it.
    #[error("halted after height {height} as asked; start without --halt-height to go on")]
    Asked {
        /// The last height.
        height: u64,
    },
}

/// How a program goes on with a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// As it is.
    Execute,
    /// After the plan's migration.
    Migrate,
}

/// Whether `program` may execute the block after `height`, whose state this is.
///
/// # Errors
/// Why it may not.
pub fn next(state: &State, height: u64, program: &Program) -> Result<Next, Halt> {
    let (found, own) = (version(state), program.version);
    let first = height.saturating_add(1);
    let plan = plan(state).map(|plan| {
        let height = u64::try_from(plan.height).unwrap_or(0);
        (brings(&plan.name).unwrap_or(0), height, plan.name)
    });
    match plan {
        Some((to, at, _)) if at <= first && to == own => Ok(Next::Migrate),
        Some((version, at, name)) if at <= first => Err(Halt::Due {
            name,
            height: at,
            version,
        }),
        _ if found == own => Ok(Next::Execute),
        _ if found > own => Err(Halt::Outdated { height, found, own }),
        plan => Err(Halt::TooEarly {
            height,
            found,
            own,
            until: match plan {
                Some((_, at, name)) => format!("upgrade '{name}' is planned for height {at}"),
                None => "no upgrade is planned".to_owned(),
            },
        }),
    }
}
