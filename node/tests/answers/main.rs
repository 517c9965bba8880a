//! A real node, asked over REST, gRPC and websockets, answers as a chain of the Cosmos SDK does
//! (docs/compatibility.md says which row is shown where), refuses bad input in the documented shape, and stays
//! there for others while a thousand websockets are held open.
//!
//! One network of one node serves all of it: what follows runs step after step.

mod bad_input;
mod broadcast;
mod calls;
mod idle;
mod lcd;
mod socket;
mod transactions;
mod world;

use std::path::Path;
use std::time::Duration;

use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use world::World;

fn plan(home: &Path) -> Plan {
    Plan {
        binary: env!("CARGO_BIN_EXE_raced").into(),
        home: home.to_owned(),
        nodes: 1,
        base_port: free_base_port(1, 34_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(500),
        models: Vec::new(),
        params: Vec::new(),
        misbehave: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_as_an_sdk_chain_does() {
    let home = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(home.path())).await.unwrap();
    let mut world = World::new(&localnet).await;

    transactions::a_transfer_is_found_by_hash_by_events_and_in_its_block(&mut world).await;
    transactions::a_page_past_the_end_and_a_search_for_nothing_are_refused(&world).await;
    broadcast::what_check_tx_refuses_has_its_code_on_every_way_in(&mut world).await;
    broadcast::bytes_that_the_mempool_has_are_code_19(&mut world).await;
    broadcast::three_that_follow_each_other_all_get_in(&mut world).await;
    broadcast::a_simulation_that_fails_says_why(&world).await;
    lcd::the_node_and_its_blocks(&world).await;
    lcd::accounts_and_coins(&world).await;
    lcd::modules_that_wallets_ask(&world).await;
    lcd::pages_have_keys_and_totals(&world).await;
    lcd::headers_and_unknown_paths(&world).await;
    calls::heights_are_read_told_and_refused(&world).await;
    calls::errors_have_the_status_of_the_sdk(&world).await;
    socket::transactions_and_blocks_are_told_to_who_subscribes(&mut world).await;
    bad_input::is_refused_in_the_documented_shape(&world).await;
    idle::a_thousand_websockets_keep_nobody_from_an_answer(&mut world).await;

    localnet.stop().await;
}
