use race_app::race;
use race_app::testing::{Builder, Chain, Signing, TestNode, Wallet};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::Outcome;

/// Registers newcomers, 16 a block.
fn join(chain: &mut Chain, newcomers: Vec<TestNode>) {
    for (at, node) in newcomers.into_iter().enumerate() {
        let signing = Signing {
            number: 0,
            sequence: 0,
            fee: 0,
            gas: 0,
            ..chain.signing(&Wallet::named("nobody"))
        };
        let message = Wallet::message(&node.registration(&chain.chain_id));
        chain
            .submit(node.operator.sign(vec![message], &signing))
            .unwrap();
        chain.nodes.push(node);
        if at % 16 == 15 {
            chain.step();
        }
    }
}

fn newcomer(index: u64, nonces: u64) -> TestNode {
    TestNode {
        nonces,
        ..TestNode::named(&format!("newcomer{index}"))
    }
}

fn outcomes(chain: &Chain) -> Vec<(String, Outcome, u64)> {
    let results = chain.read(|_, state| race::results(state, 1, 1));
    let name = |address: &[u8]| {
        let node = chain.nodes.iter().find(|node| node.address == address);
        node.unwrap().name.clone()
    };
    let mut outcomes: Vec<_> = results
        .iter()
        .map(|r| (name(&r.address), r.outcome(), r.accepted))
        .collect();
    outcomes.sort();
    outcomes
}

#[test]
fn what_does_not_fit_one_transaction_is_revealed_in_several() {
    let mut chain = Builder::new(4)
        .param("epoch/max_validators", 48)
        .param("epoch/deal_blocks", 6)
        .start();
    let mut newcomers: Vec<TestNode> = (0..40).map(|i| newcomer(i, 300)).collect();
    newcomers[7].behaviour.false_leaves = true;
    join(&mut chain, newcomers);
    chain.run_until("checks are revealed", 200, |chain| {
        chain.epoch().phase() == Phase::Dispute
    });
    let forfeits = chain.read(|_, state| {
        let addresses = chain.nodes.iter().map(|node| node.address);
        let forfeits = addresses.filter_map(|a| race_app::treasury::forfeit(state, 1, &a));
        forfeits.count()
    });
    assert_eq!(forfeits, 0, "every checker revealed all of its checks");
    chain.run_until("all are judged", 200, |chain| {
        chain.epoch().phase() == Phase::Deal
    });
    for (name, outcome, accepted) in outcomes(&chain) {
        let expected = match name.as_str() {
            "newcomer7" => (Outcome::FalseLeaf, 0),
            name if name.starts_with("newcomer") => (Outcome::Accepted, 300),
            _ => (Outcome::Accepted, 100),
        };
        assert_eq!((outcome, accepted), expected, "{name}");
    }
}

#[test]
fn newcomers_beyond_the_seats_are_not_judged() {
    let mut chain = Builder::new(2).param("epoch/max_validators", 2).start();
    let newcomers = [(0, 20), (1, 400), (2, 30), (3, 10)];
    join(
        &mut chain,
        newcomers.map(|(i, nonces)| newcomer(i, nonces)).into(),
    );
    chain.run_until("the switch", 200, |chain| chain.epoch().number == 2);
    let outcomes = outcomes(&chain);
    let of = |name: &str| {
        let found = outcomes.iter().find(|(n, ..)| n == name);
        found.map(|(_, outcome, accepted)| (*outcome, *accepted))
    };
    assert_eq!(of("newcomer0"), Some((Outcome::NotJudged, 0)));
    assert_eq!(of("newcomer1"), Some((Outcome::Accepted, 400)));
    assert_eq!(of("newcomer2"), Some((Outcome::Accepted, 30)));
    assert_eq!(of("newcomer3"), Some((Outcome::NotJudged, 0)));
    assert_eq!(of("node0"), Some((Outcome::Accepted, 100)));
}
