use race_app::race;
use race_app::testing::{Builder, Chain, Signing, TestNode, Wallet};
use race_app::{epoch, node as nodes};
use race_proto::race::epoch::v1::Phase;
use race_proto::race::race::v1::{MsgSubmitRace, Outcome};

fn register(chain: &mut Chain, node: &TestNode) {
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
}

/// Registers newcomers, 16 a block.
fn join(chain: &mut Chain, newcomers: Vec<TestNode>) {
    for (at, node) in newcomers.into_iter().enumerate() {
        register(chain, &node);
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

/// Registers a hundred nodes in one block.
fn crowd(chain: &mut Chain, name: &str) -> Vec<TestNode> {
    let crowd = (0..100).map(|i| TestNode::named(&format!("{name}{i}")));
    let crowd: Vec<TestNode> = crowd.collect();
    crowd.iter().for_each(|node| register(chain, node));
    chain.step();
    crowd
}

/// Each claims as much as a proof may, in this epoch's race, and has nothing to open.
fn claim_much(chain: &mut Chain, crowd: &[TestNode]) {
    chain.run_until("the race", 200, |chain| {
        chain.epoch().phase() == Phase::Race
    });
    for node in crowd {
        let message = MsgSubmitRace {
            sender: node.hot.address(),
            epoch: chain.epoch().number,
            attempt: 1,
            root: vec![7; 32],
            count: race::MAX_COUNT,
        };
        chain
            .send_free(&node.hot, vec![Wallet::message(&message)])
            .unwrap();
    }
}

#[test]
fn a_hundred_who_claim_much_and_open_nothing_keep_a_newcomer_out_for_one_epoch() {
    let mut chain = Builder::new(2)
        .param("epoch/max_validators", 100)
        .param("epoch/deal_blocks", 13)
        .param("epoch/serve_blocks", 30)
        .param("epoch/first_serve_blocks", 10)
        .param("node/registrations_per_block", 100)
        .start();
    let first = crowd(&mut chain, "first");
    let honest = newcomer(0, 20);
    let address = honest.address;
    join(&mut chain, vec![honest]);
    claim_much(&mut chain, &first);
    chain.run_until("a switch", 200, |chain| chain.epoch().number == 2);
    let outcome = |chain: &Chain, epoch, address: &[u8]| {
        let results = chain.read(|_, state| race::results(state, epoch, 1));
        let found = results.iter().find(|result| result.address == address);
        found.unwrap().outcome()
    };
    assert_eq!(outcome(&chain, 1, &address), Outcome::NotJudged);
    let none_opened = |node: &TestNode| outcome(&chain, 1, &node.address) == Outcome::NotOpened;
    assert!(first.iter().all(none_opened));

    // Those are gone; others come in their place, younger than who waits.
    chain.steps(7);
    let is_there = |address| chain.read(|_, state| nodes::get(state, address).is_some());
    assert!(!first.iter().any(|node| is_there(&node.address)));
    assert!(is_there(&address));
    let second = crowd(&mut chain, "second");
    claim_much(&mut chain, &second);
    chain.run_until("the next switch", 200, |chain| chain.epoch().number == 3);
    assert_eq!(outcome(&chain, 2, &address), Outcome::Accepted);
    assert!(chain.read(|_, state| epoch::power(state, 3, &address)) > 0);
}
