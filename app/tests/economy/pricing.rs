use race_app::pricing;
use race_proto::race::pricing::v1::{
    MsgVotePrice, QueryModelPricesRequest, QueryModelPricesResponse, QueryPriceRequest,
    QueryPriceResponse,
};

use crate::world::{World, UNITS};

fn vote(
    world: &mut World,
    node: usize,
    price: &str,
) -> Result<race_proto::Any, race_app::error::TxError> {
    let sender = world.nodes[node].hot.to_string();
    world.send(&MsgVotePrice {
        sender,
        price: price.into(),
    })
}

#[test]
fn the_weighted_median_becomes_the_price_at_the_switch() {
    let mut world = World::new(&[400, 100, 100, 100]);
    assert_eq!(pricing::current(&world.state), 1_000);
    vote(&mut world, 0, "1050").unwrap();
    vote(&mut world, 1, "900").unwrap();
    let answer: QueryPriceResponse = world
        .ask(
            pricing::QUERIES,
            "/race.pricing.v1.Query/Price",
            &QueryPriceRequest {},
        )
        .unwrap();
    assert_eq!(answer.pending, "1050");
    assert_eq!(answer.current.unwrap().price, "1000");
    world.run(5);
    assert_eq!(
        pricing::current(&world.state),
        1_000,
        "not before the switch"
    );
    world.run_to_epoch(2);
    assert_eq!(pricing::current(&world.state), 1_050);
    let answer: QueryModelPricesResponse = world
        .ask(
            pricing::QUERIES,
            "/race.pricing.v1.Query/ModelPrices",
            &QueryModelPricesRequest {},
        )
        .unwrap();
    assert_eq!(
        answer.prices[0].price_per_token,
        (1_050 * UNITS).to_string()
    );
}

#[test]
fn the_price_moves_at_most_a_tenth_and_silence_votes_for_the_current_one() {
    let mut world = World::new(&[100; 4]);
    for node in 0..3 {
        vote(&mut world, node, "5000").unwrap();
    }
    world.run_to_epoch(2);
    assert_eq!(pricing::current(&world.state), 1_100);
    world.run_to_epoch(3);
    assert_eq!(
        pricing::current(&world.state),
        1_210,
        "a vote stands until it is changed"
    );
}

#[test]
fn only_nodes_vote_and_only_for_a_price() {
    let mut world = World::new(&[100; 4]);
    for bad in ["", "0", "-1", "1.5", "1000000000000000001"] {
        assert_eq!(
            vote(&mut world, 0, bad).unwrap_err().codespace,
            "race_pricing",
            "{bad}"
        );
    }
    let sender = world.alice.to_string();
    let error = world
        .send(&MsgVotePrice {
            sender,
            price: "5".into(),
        })
        .unwrap_err();
    assert_eq!(error.codespace, "race_node");
}
