use race_app::context::Context;
use race_app::genesis::AppGenesis;
use race_app::state::State;
use race_app::testing::{Builder, FakeOracle};

/// What a new chain says of its app state.
fn refusal(genesis: &AppGenesis) -> Option<String> {
    let context = Context {
        chain_id: "race-test-1",
        height: 0,
        time_ms: 1,
        oracle: &FakeOracle,
    };
    let applied = genesis.apply(&mut State::empty(), &context);
    applied.err().map(|error| error.to_string())
}

#[test]
fn a_calendar_without_room_for_the_epoch_before_is_refused_with_the_minimum() {
    let serving = |blocks| {
        Builder::new(1)
            .param("epoch/serve_blocks", blocks)
            .genesis()
    };
    let said = refusal(&serving(1)).unwrap();
    assert!(said.contains("epoch/serve_blocks to at least 3"), "{said}");
    assert_eq!(refusal(&serving(3)), None);
}

#[test]
fn more_power_than_cometbft_takes_is_refused() {
    let mut genesis = Builder::new(2).genesis();
    genesis.nodes[0].power = (1 << 60) - 2;
    genesis.nodes[1].power = 1;
    assert_eq!(refusal(&genesis), None);
    genesis.nodes[1].power = 2;
    let said = refusal(&genesis).unwrap();
    assert!(
        said.contains("1152921504606846976 is above 2^60 - 1"),
        "{said}"
    );
    genesis.nodes[1].power = u64::MAX;
    assert!(refusal(&genesis).is_some());
    genesis.nodes[1].power = 0;
    assert!(refusal(&genesis).unwrap().contains("no power"));
}
