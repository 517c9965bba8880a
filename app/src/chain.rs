//! What the chain knows of itself: its id and the header time of its last block.

use crate::state::{Item, State};

/// The store of this module.
pub const STORE: &str = "chain";

const CHAIN_ID: Item<String> = Item::new(STORE, "chain_id");
const TIME_MS: Item<u64> = Item::new(STORE, "time_ms");

/// The chain's id; empty before genesis.
pub fn id(state: &State) -> String {
    CHAIN_ID.get_or_default(state)
}

/// Header time of the last block (of genesis, before the first), in ms since 1970.
pub fn time_ms(state: &State) -> u64 {
    TIME_MS.get_or_default(state)
}

/// Records the id at genesis.
pub fn set_id(state: &mut State, id: &str) {
    CHAIN_ID.put(state, &id.to_owned());
}

/// Records a block's header time.
pub fn set_time_ms(state: &mut State, time_ms: u64) {
    TIME_MS.put(state, &time_ms);
}
