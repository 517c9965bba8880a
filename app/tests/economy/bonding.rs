use race_proto::race::duty::v1::Outcome;

use crate::world::World;
use race_app::{bank, treasury};

const EVEN: &[u64] = &[1 << 20; 4];

fn bonded(world: &World, node: usize) -> (u128, u128) {
    world.bond(&world.nodes[node])
}

/// What was released to a node for an epoch, and how much of it went into the bond.
fn released(world: &World, node: usize, epoch: u64) -> (u128, u128) {
    let release = treasury::release(&world.state, epoch, &world.nodes[node].address).unwrap();
    (
        release.released.parse().unwrap(),
        release.bonded.parse().unwrap(),
    )
}

#[test]
fn half_of_each_release_is_kept_until_one_epochs_earnings_are_locked() {
    let mut world = World::new(EVEN);
    let mut expected = 0;
    let mut locked = 0;
    for epoch in 2..=7 {
        world.run_to_epoch(epoch + 2);
        let operator = world.balance(&world.nodes[0].operator);
        let (released, kept) = released(&world, 0, epoch);
        assert!(released > 0);
        expected = released.max(expected - u128::div_ceil(expected, 8));
        assert_eq!(kept, (released / 2).min(expected.saturating_sub(locked)));
        locked += kept;
        assert_eq!(bonded(&world, 0), (locked, expected), "epoch {epoch}");
        assert!(operator >= 1_000_000 + released - kept);
    }
    // Epochs earn about the same here: it is complete after a few.
    assert!(locked >= expected);
    assert_eq!(released(&world, 0, 7).1, 0);
    let sum: u128 = (0..4).map(|node| bonded(&world, node).0).sum();
    assert_eq!(world.pool("bonds_held"), sum);
}

#[test]
fn a_forged_output_burns_it_and_the_coins_are_gone() {
    let mut world = World::new(EVEN);
    world.run_to_epoch(4);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let forger = world.serve(id, 0, 90);
    world.run_to_epoch(5);
    let (locked, _) = bonded(&world, forger);
    assert!(locked > 0);
    let others: u128 = world.pool("bonds_held") - locked;
    world.reveal_all(|_, _| Outcome::False);
    let task = world.task(id, 0);
    let supply = bank::supply(&world.state);
    world.run_to(world.case(&task).reveal_end + 1);
    assert_eq!(bonded(&world, forger), (0, 0));
    assert_eq!(world.pool("bonds_held"), others);
    assert_eq!(bank::supply(&world.state), supply - locked);
    let burned = treasury::issuance(&world.state).burned;
    assert_eq!(burned, locked.to_string());
}
