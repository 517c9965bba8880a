use std::sync::atomic::AtomicBool;

use super::statistics::correlation;
use super::*;
use crate::backend::BackendError;
use crate::preset::TINY;
use crate::reference::Reference;
use crate::Backend;

fn race() -> Race {
    Race::new(&TINY, [5; 32])
}

fn look(nonces: u64, skip: &[usize]) -> Inside {
    let (race, never) = (race(), AtomicBool::new(false));
    let inputs = inputs(&race, nonces);
    Inside::look(&race, &inputs, skip, 1, &never, &mut |_, _| ()).unwrap()
}

#[test]
fn a_summary_holds_mean_and_deviation() {
    let summary = Summary::of([1.0, 3.0, 5.0, 7.0]);
    assert_eq!((summary.count, summary.mean), (4, 4.0));
    assert!((summary.deviation - 5f64.sqrt()).abs() < 1e-12);
    assert!((summary.error() - 5f64.sqrt() / 2.0).abs() < 1e-12);
    assert_eq!(Summary::of([]), Summary::default());
}

#[test]
fn a_vector_correlates_with_itself_its_negative_and_a_constant() {
    let (a, minus) = ([3i8, -1, 4, 1, -5], [-3i8, 1, -4, -1, 5]);
    assert!((correlation(&a, &a) - 1.0).abs() < 1e-12);
    assert!((correlation(&a, &minus) + 1.0).abs() < 1e-12);
    assert_eq!(correlation(&a, &[7; 5]), 0.0);
}

#[test]
fn skipping_no_layer_keeps_all_and_skipping_layers_keeps_less_and_less() {
    let inside = look(48, &[0, 1, 2, 4, 5]);
    let kept: Vec<f64> = inside
        .skipped
        .iter()
        .map(|skipped| skipped.correlation.mean)
        .collect();
    // 5 layers are more than there are.
    assert_eq!(kept.len(), 4);
    assert!((kept[0] - 1.0).abs() < 1e-9);
    assert!(kept.windows(2).all(|pair| pair[0] > pair[1]), "{kept:?}");
}

#[test]
fn a_change_of_one_coordinate_spreads_and_unrelated_nonces_stay_unrelated() {
    let inside = look(48, &[]);
    let after: Vec<f64> = inside
        .after_a_change
        .iter()
        .map(|after| after.correlation.mean)
        .collect();
    assert_eq!(after.len(), TINY.layers + 1);
    // The last token sees the first one's change through attention only.
    assert!((after[0] - 1.0).abs() < 1e-12);
    assert!(after[TINY.layers] < after[1]);
    assert!(inside.between_nonces.mean.abs() < 0.1);
    assert_eq!(inside.between_nonces.count, 48 * 47 / 2);
    assert_eq!(inside.between_tokens[0].correlation.count, 48 * 6);
}

#[test]
fn spreads_come_in_the_order_of_the_function_and_stay_off_the_clip() {
    let inside = look(16, &[]);
    let names: Vec<&str> = inside.spreads.iter().map(|spread| spread.name).collect();
    assert_eq!(
        names,
        [
            "q",
            "k",
            "v",
            "a",
            "rq(a Wo)",
            "g",
            "u",
            "rq(h u)",
            "rq(.. Wdown)",
            "n"
        ]
    );
    for spread in inside.spreads {
        assert!(spread.least <= spread.deviation && spread.deviation <= spread.most);
        assert!(
            spread.deviation > 1.0 && spread.clipped < 0.05,
            "{spread:?}"
        );
    }
}

#[test]
fn odds_of_own_and_of_other_permutations_agree_within_their_errors() {
    let (race, never) = (race(), AtomicBool::new(false));
    let inputs = inputs(&race, 500);
    let mut backend = Reference::new(race, 2);
    let odds = Odds::measure(&mut backend, &inputs, &never, &mut |_, _| ()).unwrap();
    let appropriate = backend.outcomes(&inputs, &never).unwrap();
    let appropriate = appropriate.iter().filter(|o| o.appropriate).count() as u64;
    assert_eq!(odds.own.appropriate, appropriate);
    assert!((odds.own.odds - odds.permuted.odds).abs() < 4.0 * odds.own.error);
    assert!(odds.permuted.error < odds.own.error);
    for rate in [&odds.own, &odds.permuted] {
        assert!(rate.quantiles.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}

#[test]
fn a_study_that_is_cancelled_says_so() {
    let (race, cancel) = (race(), AtomicBool::new(true));
    let inputs = inputs(&race, 2);
    let looked = Inside::look(&race, &inputs, &[], 1, &cancel, &mut |_, _| ());
    assert_eq!(looked, Err(BackendError::Cancelled));
    let mut backend = Reference::new(race, 1);
    let measured = Odds::measure(&mut backend, &inputs, &cancel, &mut |_, _| ());
    assert_eq!(measured, Err(BackendError::Cancelled));
}
