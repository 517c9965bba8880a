//! Whole committees, with members that do wrong in every phase.

use race_randomness::commit_reveal::signed_seed;
use race_randomness::dkg::{Board, CommitteeKey, Outcome, Post, Refusal, Shortfall};
use race_randomness::hash::Address;
use race_randomness::scheme::{Blst, ThresholdCrypto};
use race_randomness::sim::{Committee, Fault, KeyRun, Spread, SIGNING_ATTEMPTS, SIGNING_BLOCKS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Sizes of committees.
const SIZES: [usize; 4] = [4, 7, 31, 100];

/// A hundred equal members have 256 shares and take minutes: the example `committee` runs them. Here few
/// of them have most of the power, and 16 shares do.
fn committee(members: usize, faults: &[&str]) -> Committee {
    let spread = match members {
        100.. => Spread::Decaying,
        _ => Spread::Equal,
    };
    let committee = Committee::new(&Committee::powers(members, spread));
    faults.iter().fold(committee, |committee, fault| {
        committee.with(fault.parse().unwrap())
    })
}

/// An honest committee and its key, made once for all tests.
fn honest(members: usize) -> &'static (Committee, KeyRun) {
    static RUNS: Mutex<BTreeMap<usize, &'static (Committee, KeyRun)>> = Mutex::new(BTreeMap::new());
    let mut runs = RUNS.lock().unwrap();
    runs.entry(members).or_insert_with(|| {
        let committee = committee(members, &[]);
        let run = committee.generate_key(1);
        Box::leak(Box::new((committee, run)))
    })
}

fn key(run: &KeyRun) -> (&CommitteeKey, &BTreeSet<Address>) {
    match &run.outcome {
        Outcome::Active { key, confirmers } => (key, confirmers),
        Outcome::Failed { shortfall, .. } => panic!("no key: {shortfall}"),
    }
}

fn everyone(committee: &Committee) -> BTreeSet<Address> {
    committee.nodes().map(|node| node.address).collect()
}

fn without(committee: &Committee, fault: Fault) -> BTreeSet<Address> {
    let wrong = committee.who(fault);
    assert!(!wrong.is_empty(), "nobody does {}", fault.name());
    &everyone(committee) - &wrong
}

/// Those who do this are not among the confirmers, the others are. One of them costs nothing; without a
/// third, two thirds of the rest could not sign, so that the rest generates a key of its own.
fn is_left_out(fault: Fault) -> Vec<(Committee, KeyRun)> {
    let parts = [
        (4, "one"),
        (7, "one"),
        (7, "third"),
        (31, "third"),
        (100, "third"),
    ];
    is_left_out_of(&parts, fault)
}

fn is_left_out_of(parts: &[(usize, &str)], fault: Fault) -> Vec<(Committee, KeyRun)> {
    let mut runs = Vec::new();
    for &(members, part) in parts {
        let committee = committee(members, &[&format!("{part}-{}", fault.name())]);
        let run = committee.generate_key(2);
        assert_eq!(
            *key(&run).1,
            without(&committee, fault),
            "{members} members"
        );
        if part == "one" {
            assert!(run.failed.is_empty(), "{members} members");
        }
        assert!(!committee.draw_seed::<Blst>(&run).degraded);
        runs.push((committee, run));
    }
    runs
}

#[test]
fn an_honest_committee_of_any_size_draws_a_seed_at_once() {
    for members in [1, 4, 7, 31, 100] {
        let (committee, run) = honest(members);
        assert_eq!(*key(run).1, everyone(committee));
        assert!(run.refused.is_empty());
        let seed = committee.draw_seed::<Blst>(run);
        assert_eq!((seed.degraded, seed.blocks), (false, 1));
        assert_eq!(
            seed.seed,
            signed_seed(&seed.signature.unwrap(), &seed.transcript.digest())
        );
    }
}

#[test]
fn both_backends_draw_the_same_seed() {
    let (committee, run) = honest(4);
    assert_eq!(
        committee.draw_seed::<Blst>(run).seed,
        committee.draw_seed::<ThresholdCrypto>(run).seed
    );
}

#[test]
fn members_of_any_power_sign_with_their_shares() {
    for members in [4, 7, 31] {
        let committee = Committee::new(&Committee::powers(members, Spread::Random));
        let run = committee.generate_key(1);
        assert!(!committee.draw_seed::<Blst>(&run).degraded);
    }
}

#[test]
fn those_that_do_not_deal_are_left_out() {
    is_left_out(Fault::SilentDeal);
}

#[test]
fn those_that_post_junk_for_deals_are_left_out() {
    is_left_out(Fault::JunkDeal);
}

#[test]
fn those_that_copy_a_ciphertext_are_left_out_and_nobody_opens_it() {
    for (_, run) in is_left_out(Fault::CopiedCiphertext) {
        let complaint = |(_, post): &(_, Post)| matches!(post, Post::Complaint(_));
        assert!(!run.posts.iter().any(complaint));
    }
}

#[test]
fn those_that_do_not_confirm_are_left_out() {
    is_left_out(Fault::SilentConfirm);
}

#[test]
fn those_that_deal_bad_shares_are_convicted_by_their_victims() {
    for (committee, run) in is_left_out(Fault::BadShares) {
        assert_eq!(run.false_dealers, committee.who(Fault::BadShares));
        assert!(run.false_accusers.is_empty());
    }
}

#[test]
fn those_that_complain_falsely_are_convicted_and_the_accused_stay() {
    let parts = [(4, "one"), (7, "one"), (7, "third"), (31, "third")];
    for (committee, run) in is_left_out_of(&parts, Fault::FalseComplaint) {
        assert_eq!(run.false_accusers, committee.who(Fault::FalseComplaint));
        assert!(run.false_dealers.is_empty());
    }
}

#[test]
fn false_complaints_of_members_without_shares_are_refused_and_cost_nothing() {
    let committee = committee(100, &["third-false-complaint"]);
    let run = committee.generate_key(2);
    let shares = &run.board.session().allotment().shares;
    let wrong = committee.who(Fault::FalseComplaint);
    let (without, with): (BTreeSet<_>, BTreeSet<_>) = wrong
        .into_iter()
        .partition(|member| shares.get(member) == Some(&0));
    assert!(!without.is_empty() && !with.is_empty());
    assert_eq!(run.false_accusers, with);
    assert_eq!(*key(&run).1, &everyone(&committee) - &with);
    assert!(run.false_dealers.is_empty());
}

#[test]
fn the_deal_of_a_false_accuser_still_counts() {
    let committee = committee(7, &["one-false-complaint"]);
    let run = committee.generate_key(1);
    assert_eq!(run.board.qualified().count(), 7);
    assert_eq!(key(&run).1.len(), 6);
}

#[test]
fn half_that_does_not_deal_costs_an_attempt_and_its_seats() {
    for members in [4, 7] {
        let committee = committee(members, &["half-silent-deal"]);
        let run = committee.generate_key(3);
        assert_eq!(run.failed.len(), 1);
        assert_eq!(*key(&run).1, without(&committee, Fault::SilentDeal));
        assert_eq!(run.board.session().attempt().key_attempt, 1);
        assert!(!committee.draw_seed::<Blst>(&run).degraded);
    }
}

#[test]
fn half_that_does_not_confirm_costs_an_attempt_and_its_seats() {
    let committee = committee(7, &["half-silent-confirm"]);
    let run = committee.generate_key(3);
    assert!(matches!(run.failed[..], [Shortfall::Confirmers { .. }]));
    assert_eq!(*key(&run).1, without(&committee, Fault::SilentConfirm));
}

#[test]
fn a_committee_that_does_nothing_gets_no_key_and_leaves_nobody() {
    let committee = committee(4, &["all-silent-deal"]);
    let run = committee.generate_key(3);
    assert!(matches!(
        &run.outcome,
        Outcome::Failed { shortfall: Shortfall::Dealers { power: 0, total: 4 }, left } if left.is_empty()
    ));
}

#[test]
fn a_committee_of_one_depends_on_its_member() {
    for fault in [Fault::SilentDeal, Fault::JunkDeal, Fault::SilentConfirm] {
        let run = committee(1, &[&format!("all-{}", fault.name())]).generate_key(3);
        assert!(matches!(run.outcome, Outcome::Failed { .. }));
    }
    // A bad share for itself is found by itself.
    let run = committee(1, &["all-bad-shares"]).generate_key(3);
    assert!(matches!(run.outcome, Outcome::Failed { .. }));
    assert_eq!(run.false_dealers.len(), 1);
    let seed = committee(1, &["all-silent-sign"]).draw_seed::<Blst>(&honest(1).1);
    assert!(seed.degraded);
}

#[test]
fn missing_commitments_and_reveals_stop_nothing() {
    for fault in [
        "third-silent-commit",
        "half-silent-reveal",
        "all-silent-reveal",
    ] {
        let seed = committee(7, &[fault]).draw_seed::<Blst>(&honest(7).1);
        assert!(!seed.degraded, "{fault}");
    }
}

#[test]
fn a_third_without_extensions_does_not_stop_the_signature() {
    for members in SIZES {
        let committee = committee(members, &["third-silent-sign"]);
        assert_eq!(committee.draw_seed::<Blst>(&honest(members).1).blocks, 1);
    }
}

#[test]
fn junk_and_bad_shares_from_a_third_are_found_and_change_nothing() {
    for members in SIZES {
        let (honest, run) = honest(members);
        let expected = honest.draw_seed::<Blst>(run).seed;
        for fault in [Fault::JunkExtension, Fault::BadSignature] {
            let committee = committee(members, &[&format!("third-{}", fault.name())]);
            let seed = committee.draw_seed::<Blst>(run);
            assert_eq!(seed.seed, expected, "another subset gives the same seed");
            assert_eq!(seed.blocks, 1);
            let wrong = committee.who(fault);
            assert!(!seed.bad.is_empty() && seed.bad.is_subset(&wrong));
        }
    }
}

#[test]
fn proposers_that_omit_the_signature_delay_it_and_change_nothing() {
    let (honest, run) = honest(7);
    let committee = committee(7, &["third-omit-signature"]);
    let omitting = committee.who(Fault::OmitSignature).len();
    let seed = committee.draw_seed::<Blst>(run);
    assert_eq!(seed.seed, honest.draw_seed::<Blst>(run).seed);
    assert_eq!(seed.blocks, omitting + 1);
}

#[test]
fn a_committee_that_does_not_sign_falls_back_to_the_second_secrets() {
    let committee = committee(7, &["half-silent-sign", "one-silent-fallback"]);
    let seed = committee.draw_seed::<Blst>(&honest(7).1);
    assert!(seed.degraded);
    assert_eq!(seed.failed_attempts, SIGNING_ATTEMPTS);
    assert_eq!(
        seed.blocks,
        SIGNING_BLOCKS * usize::try_from(SIGNING_ATTEMPTS).unwrap()
    );
}

#[test]
fn members_that_crash_in_every_phase_do_what_they_would_have_done() {
    for members in [1, 4, 7, 100] {
        let (honest, run) = honest(members);
        let crashing = committee(members, &["all-crash"]);
        let again = crashing.generate_key(1);
        assert_eq!(run.posts, again.posts);
        assert_eq!(
            honest.draw_seed::<Blst>(run).seed,
            crashing.draw_seed::<Blst>(&again).seed
        );
    }
}

#[test]
fn a_late_joiner_builds_the_same_key_from_the_posts() {
    let committee = committee(7, &["one-bad-shares", "one-silent-confirm"]);
    let run = committee.generate_key(1);
    let mut board = Board::new(run.board.session().clone());
    for (i, (from, post)) in run.posts.iter().enumerate() {
        if i == run.deals {
            board.close_deals();
        }
        board.take(from, post).unwrap();
    }
    assert_eq!(board.outcome(), run.outcome);
    let (key, _) = key(&run);
    assert_eq!(CommitteeKey::decode(&key.encode()).as_ref(), Ok(key));
    // A member restored from a snapshot: its share key and the chain's deals are enough.
    for node in committee.nodes() {
        let shares = node
            .participant()
            .secret_shares(board.session(), board.qualified(), key);
        assert!(shares.is_ok());
    }
}

#[test]
fn posts_out_of_turn_and_second_posts_are_refused_by_name() {
    let (committee, run) = honest(4);
    let mut board = Board::new(run.board.session().clone());
    let (deals, answers) = run.posts.split_at(run.deals);
    let (dealer, deal) = &deals[0];
    let (member, confirmation) = &answers[0];
    assert_eq!(board.take(member, confirmation), Err(Refusal::Window));
    assert_eq!(board.take(dealer, deal), Ok(None));
    assert_eq!(
        board.take(dealer, deal),
        Err(Refusal::DealtAlready(*dealer))
    );
    board.close_deals();
    assert_eq!(board.take(&deals[1].0, &deals[1].1), Err(Refusal::Window));
    assert_eq!(board.take(member, confirmation), Err(Refusal::OtherDeals));
    let stranger = &answers[1];
    assert_eq!(
        board.take(&stranger.0, &stranger.1),
        Err(Refusal::NotADealer(stranger.0))
    );

    let mut board = run.board.clone();
    assert_eq!(
        board.take(member, confirmation),
        Err(Refusal::ConfirmedAlready(*member))
    );
    let accuser = committee.nodes().next().unwrap().participant();
    let accused = board.deals().last().unwrap().clone();
    let complaint = Post::Complaint(accuser.complain(board.session(), &accused));
    assert!(board.take(accuser.address(), &complaint).is_ok());
    assert_eq!(
        board.take(accuser.address(), &complaint),
        Err(Refusal::Judged(*accuser.address()))
    );
}
