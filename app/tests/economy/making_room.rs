use race_app::session;
use race_proto::race::session::v1::SessionStatus;

use crate::world::World;

const ESCROW: u128 = 10_000_000;
const CEILING: u128 = 1_000_000;

#[test]
fn sessions_that_nobody_uses_make_room_for_one_that_is_paid_for() {
    let mut world = World::with(&[1 << 20; 4], &[("session/max_open", 3)]);
    let used = world.open_pinned(ESCROW, CEILING);
    let before = world.balance(&world.alice);
    let idle = [(); 2].map(|()| world.open(ESCROW, CEILING, 10_000));
    let message = |world: &World| world.open_message(ESCROW, CEILING, 10_000);
    let refused = |world: &mut World| {
        let message = message(world);
        let error = world.send(&message).unwrap_err();
        assert_eq!(
            (error.codespace, error.code),
            ("race_session", 9),
            "{error}"
        );
    };
    refused(&mut world);
    world.run_to_epoch(2);
    refused(&mut world);
    while world.session(used).pinned_epoch < 2 {
        world.end_block();
    }
    world.serve(used, 0, 90);
    world.run_to_epoch(3);

    // A whole epoch went by without a settlement of the idle ones: the oldest goes first.
    let first = world.open(ESCROW, CEILING, 10_000);
    let status = |world: &World, id| world.session(id).status();
    assert_eq!(status(&world, idle[0]), SessionStatus::Closed);
    assert_eq!(status(&world, idle[1]), SessionStatus::Active);
    world.open(ESCROW, CEILING, 10_000);
    assert_eq!(status(&world, idle[1]), SessionStatus::Closed);
    assert_eq!(
        world.balance(&world.alice),
        before - 2 * ESCROW,
        "the escrows of the idle ones came back"
    );
    refused(&mut world);
    assert!(session::is_open(&world.session(used)));
    assert!(session::is_open(&world.session(first)));
    session::invariants::escrow_is_the_sum(&world.state).unwrap();
    session::invariants::who_is_open_stands_in_the_line(&world.state).unwrap();
}
