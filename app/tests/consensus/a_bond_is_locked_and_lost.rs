use race_app::evidence::Misbehavior;
use race_app::{auth, bank, bond, treasury};
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::race::bond::v1::MsgPayBond;
use race_proto::race::evidence::v1::Kind;

use crate::network::Network;
use crate::node::Proof;

const PAID: u128 = 70;

/// A network in which a node has paid [`PAID`] of 100 nicoin into its bond.
fn bonded(index: usize, lock_ms: u64) -> Network {
    let mut network = Network::with(5, &[("bond/lock_ms", lock_ms)]);
    let hot = network.nodes[index].hot;
    bank::mint(&mut network.state, &hot, 100);
    network.send(&pay(&hot.to_string(), PAID)).unwrap();
    network
}

fn pay(sender: &str, amount: u128) -> MsgPayBond {
    MsgPayBond {
        sender: sender.to_owned(),
        amount: Some(Coin {
            denom: "nicoin".to_owned(),
            amount: amount.to_string(),
        }),
    }
}

fn locked(network: &Network) -> u128 {
    bond::invariants::held_is_the_sum(&network.state).unwrap();
    bank::balance(&network.state, &bond::account())
}

#[test]
fn equivocation_burns_it() {
    let mut network = bonded(4, 1_000);
    assert_eq!(
        (locked(&network), bank::supply(&network.state)),
        (PAID, 100)
    );
    network.misbehavior = vec![Misbehavior {
        address: network.address(4),
        kind: Kind::DuplicateVote,
        height: network.height,
        time_ms: 1_000 * network.height,
        power: 100,
    }];
    network.block();
    assert_eq!((locked(&network), bank::supply(&network.state)), (0, 30));
    assert_eq!(treasury::issuance(&network.state).burned, "70");
    let burned = "race.bond.v1.EventBondBurned";
    assert!(network.events.iter().any(|kind| kind == burned));
}

#[test]
fn a_false_race_proof_burns_it_and_a_poor_one_does_not() {
    for (proof, left) in [
        (Proof::WrongHash, 0),
        (Proof::Inflated, PAID),
        (Proof::None, PAID),
    ] {
        let mut network = bonded(0, 1_000_000_000);
        network.node(0).proof = proof;
        network.until_epoch(2);
        assert_eq!(locked(&network), left);
    }
}

#[test]
fn it_is_returned_to_the_operator_when_the_node_was_away_long_enough() {
    let mut network = bonded(4, 1_000);
    let operator = network.nodes[4].operator;
    network.until_epoch(2);
    assert_eq!(locked(&network), PAID, "a member's stays");
    network.node(4).proof = Proof::None;
    network.until_epoch(3);
    assert_eq!(network.power(4), 0);
    assert_eq!(locked(&network), PAID, "it left now");
    network.until_epoch(4);
    assert_eq!(locked(&network), 0);
    assert_eq!(bank::balance(&network.state, &operator), PAID);
    assert!(bond::get(&network.state, &network.address(4), &operator).amount == "0");
}

#[test]
fn who_comes_back_in_time_has_it_still() {
    let mut network = bonded(4, 1_000_000_000);
    let operator = network.nodes[4].operator;
    network.node(4).proof = Proof::None;
    network.until_epoch(2);
    let left =
        |network: &Network| bond::get(&network.state, &network.address(4), &operator).left_ms;
    assert!(left(&network) > 0);
    network.node(4).proof = Proof::Honest;
    network.until_epoch(3);
    assert_eq!(left(&network), 0);
    assert_eq!(locked(&network), PAID);
}

#[test]
fn what_is_no_payment_is_refused_and_moves_nothing() {
    let mut network = bonded(4, 1_000);
    let hot = network.nodes[4].hot.to_string();
    let stranger = auth::module_account("treasury").to_string();
    let mut foreign = pay(&hot, 1);
    foreign.amount.as_mut().unwrap().denom = "uatom".to_owned();
    let mut without = pay(&hot, 1);
    without.amount = None;
    for (message, codespace, code) in [
        (pay(&hot, 0), "race_bond", 2),
        (foreign, "race_bond", 2),
        (without, "race_bond", 2),
        (pay(&hot, 31), "sdk", 5),
        (pay(&stranger, 1), "race_node", 2),
    ] {
        let error = network.send(&message).unwrap_err();
        assert_eq!((error.codespace, error.code), (codespace, code), "{error}");
        assert_eq!(locked(&network), PAID);
    }
}
