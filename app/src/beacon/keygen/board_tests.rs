use super::*;
use crate::beacon::keygen::{self, message};
use crate::epoch;
use crate::testing::{Chain, TestNode};

/// Whether the board that the process keeps is the one that a restarted node reads from state.
fn is_rebuilt(chain: &Chain) -> bool {
    chain.read(|context, state| {
        let attempt = epoch::key_attempt(state).expect("a key generation is under way");
        let generation = keygen::generation(state, &attempt).expect("it is kept");
        let posts = posts(state, &attempt);
        let kept = rebuild(state, context.chain_id, &generation, &posts);
        let read = read(state, context.chain_id, &generation, &posts);
        assert_eq!(read.outcome(), kept.outcome());
        format!("{read:?}") == format!("{kept:?}")
    })
}

fn post(chain: &mut Chain, index: usize, post: impl Fn(&TestNode, &Board) -> Post) {
    let (packed, hot) = chain.read(|context, state| {
        let attempt = epoch::key_attempt(state).expect("a key generation is under way");
        let board = keygen::board(state, context.chain_id, &attempt).expect("it is kept");
        let node = &chain.nodes[index];
        let packed = message(attempt, &node.hot.address(), &post(node, &board));
        (packed, node.hot.clone())
    });
    chain
        .send_free(&hot, vec![packed])
        .expect("CheckTx takes it");
}

#[test]
fn a_restarted_node_has_the_same_board_at_every_step() {
    let mut chain = Chain::new(5);
    // Node 0 deals badly to node 1, node 2 accuses node 3 without reason.
    for index in [0, 2] {
        chain.nodes[index].behaviour.manual = true;
    }
    let victim = chain.nodes[1].address;
    post(&mut chain, 0, |node, board| {
        let bad: Vec<_> = board.session().indices(&victim).collect();
        Post::Deal(node.participant().deal_badly(board.session(), &bad))
    });
    post(&mut chain, 2, |node, board| {
        Post::Deal(node.participant().deal(board.session()))
    });
    assert!(is_rebuilt(&chain));
    chain.step();
    assert!(is_rebuilt(&chain), "after the deals");
    let accused = chain.nodes[3].address;
    post(&mut chain, 2, |node, board| {
        let deal = board.deals().find(|deal| *deal.dealer() == accused);
        let deal = deal.expect("it has dealt");
        Post::Complaint(node.participant().complain(board.session(), deal))
    });
    chain.step();
    assert!(is_rebuilt(&chain), "after the complaints and confirmations");
    let (upheld, confirmed) = chain.read(|_, state| {
        let attempt = epoch::key_attempt(state).expect("node 2 has not confirmed");
        let posts = posts(state, &attempt);
        let upheld = posts.complaints.iter().map(|c| c.upheld);
        (upheld.collect::<Vec<_>>(), posts.confirmations.len())
    });
    assert_eq!(confirmed, 3);
    assert!(upheld.contains(&true) && upheld.contains(&false) && upheld.len() == 2);
}

#[test]
fn a_dealer_that_confirms_before_it_is_found_out_does_not_stop_a_restarted_node() {
    let mut chain = Chain::new(5);
    for index in [0, 1] {
        chain.nodes[index].behaviour.manual = true;
    }
    let (cheat, victim) = (chain.nodes[0].address, chain.nodes[1].address);
    post(&mut chain, 0, |node, board| {
        let bad: Vec<_> = board.session().indices(&victim).collect();
        Post::Deal(node.participant().deal_badly(board.session(), &bad))
    });
    post(&mut chain, 1, |node, board| {
        Post::Deal(node.participant().deal(board.session()))
    });
    chain.step();
    post(&mut chain, 0, |node, board| {
        let owed = node.participant().owes(board).into_iter();
        let mut owed = owed.filter(|post| matches!(post, Post::Confirmation(_)));
        owed.next().expect("a dealer owes a confirmation")
    });
    chain.step();
    post(&mut chain, 1, |node, board| {
        assert!(board.has_confirmed(&cheat));
        let deal = board.deals().find(|deal| *deal.dealer() == cheat);
        let deal = deal.expect("it has dealt");
        Post::Complaint(node.participant().complain(board.session(), deal))
    });
    chain.step();
    assert!(is_rebuilt(&chain));
    chain.read(|_, state| {
        let attempt = epoch::key_attempt(state).expect("node 1 has not confirmed");
        let posts = posts(state, &attempt);
        assert!(posts.complaints.iter().all(|complaint| complaint.upheld));
        assert_eq!((posts.complaints.len(), posts.confirmations.len()), (1, 4));
    });
}

#[test]
fn a_deal_that_was_checked_is_good_under_its_dealers_name_alone() {
    let chain = Chain::new(5);
    chain.read(|context, state| {
        let attempt = epoch::key_attempt(state).expect("a key generation is under way");
        let generation = keygen::generation(state, &attempt).expect("it is kept");
        let board = keygen::board(state, context.chain_id, &attempt).expect("it is kept");
        let bytes = chain.nodes[0].participant().deal(board.session());
        let own = KeyDeal {
            dealer: chain.nodes[0].address.to_vec(),
            digest: h("test", &[&bytes]).to_vec(),
            height: context.height,
        };
        deal(&mut state.clone(), context, &generation, &own, &bytes).expect("it is checked");
        let copied = KeyDeal {
            dealer: chain.nodes[1].address.to_vec(),
            ..own
        };
        let refused = deal(&mut state.clone(), context, &generation, &copied, &bytes);
        assert!(refused.is_err());
    });
}

#[test]
fn a_simulated_deal_is_not_remembered() {
    let chain = Chain::new(5);
    chain.read(|context, state| {
        let attempt = epoch::key_attempt(state).expect("a key generation is under way");
        let generation = keygen::generation(state, &attempt).expect("it is kept");
        let board = keygen::board(state, context.chain_id, &attempt).expect("it is kept");
        let bytes = chain.nodes[2].participant().deal(board.session());
        let hot = &chain.nodes[2].hot;
        let packed = message(attempt, &hot.address(), &Post::Deal(bytes.clone()));
        let tx = chain.sign_free(hot, vec![packed]);
        let outcome = crate::tx::execute::simulate(&mut state.clone(), context, &tx);
        assert_eq!(outcome.error, None);
        let posted = KeyDeal {
            dealer: chain.nodes[2].address.to_vec(),
            digest: h(
                "race/beacon/deal/v1",
                &[context.chain_id.as_bytes(), &bytes],
            )
            .to_vec(),
            height: context.height,
        };
        let posts = Posts {
            deals: vec![posted],
            ..Posts::default()
        };
        assert!(known(&name(&generation, &posts)).is_none());
    });
}
