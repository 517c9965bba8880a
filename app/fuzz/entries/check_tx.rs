//! What any bytes may do to the mempool and in a block: nothing that is left behind when they are
//! refused, and nothing that breaks an invariant when they are not.

use race_app::invariants;
use race_app::mempool::Mempool;
use race_app::testing::Chain;
use race_app::tx::execute::{check, deliver, simulate};
use race_app::tx::{decode, Mode};

use crate::input::Input;
use crate::made::made;

thread_local! {
    static CHAIN: Chain = {
        let mut chain = Chain::new(1);
        chain.steps(3);
        chain
    };
}

/// Tries the bytes as a transaction, and edits of a valid one that they describe.
pub fn survives(bytes: &[u8]) {
    CHAIN.with(|chain| {
        let mut input = Input(bytes);
        let mut edited = made(chain, &mut input);
        tried(chain, &edited);
        if !input.0.is_empty() {
            input.edit(&mut edited);
            tried(chain, &edited);
        }
        tried(chain, bytes);
    });
}

fn tried(chain: &Chain, bytes: &[u8]) {
    chain.read(|context, state| {
        let mut mempool = Mempool::new(state.clone());
        let before = mempool.waiting();
        let refused = mempool.check(context, bytes, false).error.is_some();
        assert_eq!(mempool.waiting() == before, refused);

        let mut next = state.clone();
        match decode(state, bytes) {
            Ok(tx) => {
                let outcome = check(&mut next, context, &tx, Mode::Check);
                assert_eq!(outcome.error.is_some(), refused);
            }
            Err(_) => assert!(refused),
        }
        if refused {
            assert_eq!(
                next.changes(),
                state.changes(),
                "a refusal changed the state"
            );
        }
        simulate(&mut state.clone(), context, bytes);
        let mut next = state.clone();
        deliver(&mut next, context, bytes);
        if next.changes() != state.changes() {
            invariants::all(&next).unwrap_or_else(|broken| panic!("{broken}"));
        }
    });
}
