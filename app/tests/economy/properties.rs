//! Whatever happens, every coin is accounted for: [`World::end_block`] checks all invariants.

use proptest::prelude::*;
use race_app::export::export;
use race_app::{bank, duty};
use race_proto::race::duty::v1::Outcome;
use race_proto::race::pricing::v1::MsgVotePrice;

use crate::world::World;

#[derive(Debug, Clone)]
enum Step {
    Open {
        escrow: u128,
        ceiling: u128,
        blocks: u64,
    },
    Settle {
        session: u64,
        index: u32,
        attempt: u32,
        tokens: u32,
        node: usize,
    },
    Reveal {
        node: usize,
        bits: u8,
    },
    Vote {
        node: usize,
        price: u64,
    },
    Ballot {
        node: usize,
        guilty: bool,
    },
    Convict {
        node: usize,
    },
    Gas {
        amount: u128,
    },
    Window,
    Run {
        blocks: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0usize..4;
    prop_oneof![
        2 => (1u128..2_000_000, 50_000u128..400_000, 10u64..120).prop_map(|(escrow, ceiling, blocks)| Step::Open { escrow, ceiling, blocks }),
        8 => (1u64..4, 0u32..6, 0u32..3, 0u32..200, node()).prop_map(|(session, index, attempt, tokens, node)| Step::Settle { session, index, attempt, tokens, node }),
        4 => (node(), any::<u8>()).prop_map(|(node, bits)| Step::Reveal { node, bits }),
        1 => (node(), 1u64..5_000).prop_map(|(node, price)| Step::Vote { node, price }),
        3 => (node(), any::<bool>()).prop_map(|(node, guilty)| Step::Ballot { node, guilty }),
        1 => node().prop_map(|node| Step::Convict { node }),
        1 => (1u128..10_000).prop_map(|amount| Step::Gas { amount }),
        2 => Just(Step::Window),
        4 => (1u64..9).prop_map(|blocks| Step::Run { blocks }),
    ]
}

/// Does a step as well as the moment allows; refusals are fine.
fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Open {
            escrow,
            ceiling,
            blocks,
        } => {
            let msg = world.open_message(escrow, ceiling, blocks);
            // Here and below a step may be refused: only the invariants after it count.
            let _ = world.send(&msg);
        }
        Step::Settle {
            session,
            index,
            attempt,
            tokens,
            node,
        } => {
            let record = world.record(session, index, attempt, tokens);
            let pin = race_app::session::get(&world.state, session)
                .and_then(|s| race_app::session::newest_pin(&world.state, &s));
            let drawn = pin
                .and_then(|pin| race_app::session::executor(&pin, u64::from(index), attempt))
                .and_then(|address| world.nodes.iter().position(|n| n.address == address));
            let epoch = race_app::session::get(&world.state, session).map_or(1, |s| s.pinned_epoch);
            let _ = world.settle_for(drawn.unwrap_or(node), epoch, vec![record]);
        }
        Step::Reveal { node, bits } => {
            let ended = world.epoch() - 1;
            if ended == 0 {
                return;
            }
            let verdicts = world
                .duties(node, ended)
                .iter()
                .enumerate()
                .map(|(i, task)| {
                    let outcome = match (bits >> (i % 8)) & 3 {
                        0 | 1 => Outcome::Pass,
                        2 => Outcome::False,
                        _ => Outcome::CannotCheck,
                    };
                    World::verdict(task, outcome)
                })
                .collect();
            let _ = world.reveal(node, ended, verdicts);
        }
        Step::Vote { node, price } => {
            let sender = world.nodes[node].hot.to_string();
            world.must(&MsgVotePrice {
                sender,
                price: price.to_string(),
            });
        }
        Step::Ballot { node, guilty } => {
            let outcome = if guilty {
                Outcome::False
            } else {
                Outcome::Pass
            };
            let ended = world.epoch() - 1;
            for case in duty::reverifications(&world.state, ended) {
                let task = world.task(case.session_id, case.index as u32);
                let _ = world.commit_ballot(node, &task, outcome);
                let _ = world.reveal_ballot(node, &task, outcome);
            }
        }
        Step::Convict { node } => {
            let address = world.nodes[node].address;
            race_app::treasury::forfeit_all(&mut world.state, &address, "false race proof");
            race_app::bond::burn(&mut world.state, &address, "false race proof");
        }
        Step::Gas { amount } => {
            let collector = race_app::auth::module_account("fee_collector");
            bank::transfer(&mut world.state, &world.alice.clone(), &collector, amount).unwrap();
        }
        // On to the next window in which duties are revealed.
        Step::Window => {
            let ended = world.epoch() - 1;
            let start = duty::windows(&world.state, ended).reveal_start;
            if world.height < start {
                world.run_to(start);
            } else {
                world.run_to_epoch(ended + 2);
                world.run_to(duty::windows(&world.state, ended + 1).reveal_start);
            }
        }
        Step::Run { blocks } => world.run(blocks),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_conserves_every_coin(steps in proptest::collection::vec(step(), 20..90)) {
        let mut world = World::new(&[1 << 20, 1 << 19, 1 << 19, 1 << 18]);
        let supply = bank::supply(&world.state);
        let id = world.open_pinned(1_000_000, 100_000);
        world.serve_all((6..10).map(|index| (id, index)), 20);
        world.end_block();
        for step in &steps {
            take(&mut world, step);
        }
        // A new chain would have them all, whatever is unfinished.
        let exported = export(&world.state, 1, Vec::new());
        prop_assert!(exported.is_ok(), "{:?}", exported);
        let last = world.epoch() + 3;
        world.run_to_epoch(last);
        prop_assert_eq!(bank::supply(&world.state) + world.burned(), supply + world.minted());
        // Three epochs on nothing is unfinished any more.
        prop_assert_eq!(world.pool("settlement_held"), 0);
    }
}
