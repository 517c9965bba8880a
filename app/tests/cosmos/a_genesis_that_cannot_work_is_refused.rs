use race_app::context::Context;
use race_app::export::Carried;
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

#[test]
fn more_coins_than_there_can_be_are_refused_before_they_are_made() {
    let mut genesis = Builder::new(1).genesis();
    for account in &mut genesis.accounts {
        account.amount = u128::MAX.to_string();
    }
    let said = refusal(&genesis).unwrap();
    assert!(said.contains("the founders' share is"), "{said}");

    let carried = |supply: u128, treasury: u128, minted: u128| Carried {
        chain_id: "race-old-1".to_owned(),
        height: 9,
        supply: supply.to_string(),
        treasury: treasury.to_string(),
        training_fund: "0".to_owned(),
        minted: minted.to_string(),
        fees_counted: "0".to_owned(),
        burned: "0".to_owned(),
        issued_since_ms: None,
        next_proposal: 1,
    };
    let mut said = |carried| {
        genesis.carried = Some(carried);
        refusal(&genesis).unwrap()
    };
    let most = said(carried(u128::MAX, u128::MAX, 0));
    assert!(most.contains("there are at most"), "{most}");
    let minted = said(carried(5, 0, u128::MAX));
    assert!(minted.contains("were minted, at most"), "{minted}");
    let accounts = said(carried(5, 0, 0));
    assert!(accounts.contains("was handed over is 5"), "{accounts}");
    genesis.accounts.clear();
    genesis.carried = Some(carried(5, u128::MAX, 0));
    let treasury = refusal(&genesis).unwrap();
    assert!(treasury.contains("the exported chain had 5"), "{treasury}");
}
