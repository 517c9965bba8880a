use burn::backend::Flex;

use super::*;
use crate::preset::{PAPER, TINY};
use crate::prover::Search;

const GIB: u64 = 1 << 30;

fn load(batches: &[usize]) -> DeviceBackend<Flex> {
    let race = Race::new(&TINY, [3; 32]);
    let devices = (0..).zip(batches);
    let devices = devices.map(|(i, &batch)| (format!("device {i}"), Default::default(), batch));
    let options = Options {
        threads: 2,
        ..Options::default()
    };
    let never = AtomicBool::new(false);
    DeviceBackend::load(
        "test",
        race,
        devices.collect(),
        options,
        &never,
        &mut |_, _| (),
    )
    .unwrap()
}

#[test]
fn several_devices_find_what_the_reference_finds_in_its_order() {
    let never = AtomicBool::new(false);
    let mut reference = Reference::new(Race::new(&TINY, [3; 32]), 2);
    // Batches that do and do not divide their shares.
    for batches in [&[8][..], &[16, 16], &[5, 7, 64]] {
        let mut backend = load(batches);
        for nonces in [0..1, 0..50, 100..213, 9..9] {
            let found = backend.search(&[9; 32], nonces.clone(), &never).unwrap();
            let expected = reference.search(&[9; 32], nonces, &never).unwrap();
            assert_eq!(found, expected);
        }
        assert_eq!(backend.take_notices(), Vec::<String>::new());
    }
}

#[test]
fn outputs_are_those_of_the_reference_in_the_order_of_the_inputs() {
    let never = AtomicBool::new(false);
    let mut backend = load(&[4, 3]);
    let race = backend.race().clone();
    let inputs: Vec<_> = (0..17)
        .map(|nonce| race.input(&[1; 32], u64::MAX - nonce))
        .collect();
    let expected = Reference::new(race, 1).outputs(&inputs, &never).unwrap();
    assert_eq!(backend.forward(&inputs, &never).unwrap(), expected);
    let mut search = Search::new(&[2; 32], 0..90);
    search.run(&mut backend, &never, &mut |_| ()).unwrap();
    assert_eq!(search.progress().tried, 90);
}

#[test]
fn a_cancelled_call_keeps_its_devices() {
    let mut backend = load(&[4, 4]);
    let cancelled = backend.search(&[1; 32], 0..100, &AtomicBool::new(true));
    assert_eq!(cancelled, Err(BackendError::Cancelled));
    let never = AtomicBool::new(false);
    assert!(backend.search(&[1; 32], 0..100, &never).is_ok());
    assert_eq!(backend.units.len(), 2);
}

#[test]
fn a_device_that_computes_other_integers_is_given_up_and_the_others_do_its_share() {
    let never = AtomicBool::new(false);
    let mut backend = load(&[16, 128, 16]);
    let mut expected = load(&[16]);
    backend
        .on_each(|unit, _| {
            if unit.label == "device 1" {
                // As if its memory had flipped: every batch fails its check.
                unit.samples[1].y[5] ^= 1;
                unit.shrink(wrong(), &never)?;
            }
            Ok(vec![()])
        })
        .unwrap();
    assert_eq!(backend.units.len(), 2);
    let notices = backend.take_notices();
    assert!(
        notices[0].starts_with("device 1 is given up"),
        "{notices:?}"
    );
    assert!(notices[1].contains("batches of 64"), "{notices:?}");
    assert_eq!(
        backend.search(&[1; 32], 0..200, &never),
        expected.search(&[1; 32], 0..200, &never)
    );
}

#[test]
fn a_device_that_fails_goes_on_with_half_the_batch_and_says_so() {
    let mut backend = load(&[256]);
    let out_of_memory = BackendError::Device("out of memory".into());
    backend.units[0]
        .shrink(out_of_memory, &AtomicBool::new(false))
        .unwrap();
    assert_eq!(backend.units[0].batch, 128);
    let notices = backend.take_notices();
    assert_eq!(
        notices,
        ["device 0 failed and goes on with batches of 128 nonces: out of memory"]
    );
}

#[test]
fn without_devices_a_race_is_not_loaded() {
    let race = Race::new(&TINY, [3; 32]);
    let (options, never) = (Options::default(), AtomicBool::new(false));
    let none =
        DeviceBackend::<Flex>::load("test", race, Vec::new(), options, &never, &mut |_, _| ());
    assert!(matches!(none, Err(BackendError::Device(_))));
}

#[test]
fn a_cancelled_check_at_loading_gives_no_device_up() {
    let mut backend = load(&[4, 256]);
    let cancel = AtomicBool::new(true);
    let checked = backend.on_each(|unit, _| {
        unit.verify(&cancel)
            .or_else(|error| unit.shrink(error, &cancel))?;
        Ok(vec![()])
    });
    assert_eq!(checked, Err(BackendError::Cancelled));
    assert_eq!(backend.units.len(), 2);
    assert_eq!(backend.take_notices(), Vec::<String>::new());
}

#[test]
fn a_batch_fits_the_memory_that_is_free() {
    // bf16: 4.6 GB of weights and about 1 MB per nonce.
    assert_eq!(batch_in(&PAPER, 140 * GIB, 2), Some(BATCH_MAX));
    assert_eq!(batch_in(&PAPER, 16 * GIB, 2), Some(BATCH_MAX));
    assert_eq!(batch_in(&PAPER, 8 * GIB, 2), Some(2048));
    assert_eq!(batch_in(&PAPER, 5 * GIB, 2), Some(64));
    assert_eq!(batch_in(&PAPER, 4 * GIB, 2), None);
    assert_eq!(batch_in(&PAPER, 0, 2), None);
    assert_eq!(batch_in(&TINY, GIB, 2), Some(BATCH_MAX));
}

#[test]
fn shares_are_contiguous_and_cover_the_range() {
    for (length, parts) in [(0, 3), (1, 3), (10, 3), (9, 3), (100, 7)] {
        let shares: Vec<_> = (0..parts)
            .map(|part| share(&(5..5 + length), (part, parts)))
            .collect();
        let all: Vec<u64> = shares.into_iter().flatten().collect();
        assert_eq!(all, (5..5 + length).collect::<Vec<_>>());
    }
}
