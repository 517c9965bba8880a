//! Every backend of the build gives the reference's integers.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use race::backend::{self, Options};
use race::bench::bench;
use race::preset::{SMALL, TINY};
use race::prover::{Ending, Search};
use race::recompute::recompute_on;
use race::{node_seed, recompute, recompute_all, BackendError, Race};

fn options() -> impl Strategy<Value = Options> {
    // Weights expanded once, and layer by layer; held, and generated for every batch.
    (1usize..4, any::<bool>(), any::<bool>()).prop_map(|(threads, expanded, held)| Options {
        threads,
        expanded_bytes: if expanded { 1 << 30 } else { 0 },
        held_bytes: if held { 1 << 30 } else { 0 },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_backend_gives_the_reference_outputs(
        seed in any::<[u8; 32]>(),
        public_key in any::<[u8; 32]>(),
        nonces in proptest::collection::vec(any::<u64>(), 1..9),
        options in options(),
    ) {
        let never = AtomicBool::new(false);
        let race = Race::new(&TINY, seed);
        let inputs: Vec<_> = nonces
            .iter()
            .map(|&nonce| race.input(&node_seed(&public_key), nonce))
            .collect();
        let single = Options { threads: 1, ..options };
        let mut reference = backend::load("reference", race.clone(), single, &never, &mut |_, _| ()).unwrap();
        let expected = reference.outcomes(&inputs, &never).unwrap();
        for name in backend::names() {
            let mut backend = backend::load(name, race.clone(), options, &never, &mut |_, _| ()).unwrap();
            prop_assert_eq!(&backend.outcomes(&inputs, &never).unwrap(), &expected);
        }
    }
}

#[test]
fn any_backend_gives_the_reference_outputs_of_small() {
    let never = AtomicBool::new(false);
    let race = Race::new(&SMALL, [9; 32]);
    let inputs: Vec<_> = (0..3).map(|nonce| race.input(&[7; 32], nonce)).collect();
    let options = Options::default();
    let mut reference =
        backend::load("reference", race.clone(), options, &never, &mut |_, _| ()).unwrap();
    let expected = reference.outcomes(&inputs, &never).unwrap();
    for name in backend::names() {
        let mut backend =
            backend::load(name, race.clone(), options, &never, &mut |_, _| ()).unwrap();
        assert_eq!(
            backend.outcomes(&inputs, &never).unwrap(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_batch_of_claims_gives_what_each_gives_alone() {
    let seed = [3; 32];
    let claims: Vec<([u8; 32], u64)> = (0..6).map(|i| ([i as u8 % 2; 32], u64::MAX - i)).collect();
    let never = AtomicBool::new(false);
    for name in backend::names() {
        let race = Race::new(&TINY, seed);
        let mut backend =
            backend::load(name, race, Options::default(), &never, &mut |_, _| ()).unwrap();
        let together = recompute_on(backend.as_mut(), &claims, &never).unwrap();
        for ((public_key, nonce), got) in claims.iter().zip(together) {
            assert_eq!(got, recompute(&TINY, &seed, public_key, *nonce));
        }
    }
    let streamed = recompute_all(&TINY, &seed, &claims, 2);
    for ((public_key, nonce), got) in claims.iter().zip(streamed) {
        assert_eq!(got, recompute(&TINY, &seed, public_key, *nonce));
    }
}

#[test]
fn what_a_search_commits_to_is_upheld_by_recomputation() {
    let (seed, public_key) = ([4; 32], [5; 32]);
    let never = AtomicBool::new(false);
    for name in backend::names() {
        let race = Race::new(&TINY, seed);
        let mut backend =
            backend::load(name, race, Options::default(), &never, &mut |_, _| ()).unwrap();
        let mut search = Search::new(&public_key, 1000..1300);
        let mut reports = 0;
        let ending = search.run(backend.as_mut(), &never, &mut |_| reports += 1);
        assert_eq!(ending, Ok(Ending::Exhausted));
        assert!(reports > 0);
        assert_eq!(search.progress().tried, 300);
        let tree = search.tree().unwrap();
        assert!((3..40).contains(&tree.count()), "{} found", tree.count());
        for leaf in &tree.leaves()[..3] {
            let recomputed = recompute(&TINY, &seed, &public_key, leaf.nonce);
            assert!(recomputed.upholds(&leaf.hash));
            assert!(!recomputed.upholds(&[0; 32]));
            assert!(!recompute(&TINY, &seed, &[6; 32], leaf.nonce).upholds(&leaf.hash));
        }
    }
}

#[test]
fn an_inappropriate_nonce_is_not_upheld_even_with_its_true_leaf() {
    let inappropriate = (0..)
        .map(|nonce| recompute(&TINY, &[1; 32], &[2; 32], nonce))
        .find(|recomputed| !recomputed.appropriate)
        .unwrap();
    assert!(inappropriate.distance > TINY.threshold);
    assert!(!inappropriate.upholds(&inappropriate.leaf));
}

#[test]
fn a_cancelled_search_goes_on_where_it_was() {
    let never = AtomicBool::new(false);
    for name in backend::names() {
        let race = Race::new(&TINY, [4; 32]);
        let mut backend =
            backend::load(name, race, Options::default(), &never, &mut |_, _| ()).unwrap();
        let cancel = AtomicBool::new(true);
        let mut search = Search::new(&[5; 32], 0..100);
        assert_eq!(
            search.step(backend.as_mut(), &cancel),
            Err(BackendError::Cancelled)
        );
        let ending = search.run(backend.as_mut(), &cancel, &mut |_| ());
        assert_eq!(ending, Ok(Ending::Cancelled));
        assert_eq!(search.progress().tried, 0);
        search.run(backend.as_mut(), &never, &mut |_| ()).unwrap();
        let mut whole = Search::new(&[5; 32], 0..100);
        whole.run(backend.as_mut(), &never, &mut |_| ()).unwrap();
        assert_eq!(search.found(), whole.found());
    }
}

#[test]
fn a_measurement_counts_whole_batches_until_told_to_stop() {
    let never = AtomicBool::new(false);
    for name in backend::names() {
        let race = Race::new(&TINY, [4; 32]);
        let mut backend =
            backend::load(name, race, Options::default(), &never, &mut |_, _| ()).unwrap();
        let batch = backend.batch() as u64;
        let counts = bench(backend.as_mut(), &never, &mut |c| c.nonces < 2 * batch).unwrap();
        assert_eq!(counts.nonces, 2 * batch);
        assert_eq!(
            counts.flop,
            u128::from(TINY.flop_per_nonce()) * u128::from(counts.nonces)
        );
        // Cancelled in its third batch, it tells of two.
        let cancel = AtomicBool::new(false);
        let cut = bench(backend.as_mut(), &cancel, &mut |counts| {
            cancel.store(counts.nonces == 2 * batch, Ordering::Relaxed);
            true
        });
        assert_eq!(cut, Ok(counts));
    }
}

#[test]
fn weights_end_with_the_layer_in_which_they_are_cancelled() {
    let threads = Options {
        threads: 2,
        ..Options::default()
    };
    for name in backend::names() {
        let cancel = AtomicBool::new(false);
        let mut reports = Vec::new();
        let loaded = backend::load(
            name,
            Race::new(&SMALL, [4; 32]),
            threads,
            &cancel,
            &mut |done, total| {
                cancel.store(true, Ordering::Relaxed);
                reports.push((done, total));
            },
        );
        // The reference holds none and has nothing to stop.
        if name == "reference" {
            assert!(loaded.is_ok() && reports.is_empty());
            continue;
        }
        assert_eq!(loaded.err(), Some(BackendError::Cancelled), "{name}");
        // Then each thread ends with what it has in hand.
        assert!(reports.len() <= 3, "{name}: {reports:?}");
        assert!(reports.iter().all(|(done, total)| done < total));
    }
}
