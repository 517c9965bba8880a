use super::*;
use proptest::prelude::*;

fn sampler(temperature_millis: u32) -> Sampler {
    Sampler {
        seed: [9; 32],
        temperature_millis,
        top_k: 0,
    }
}

fn list(logprobs: &[(u32, i32)]) -> Vec<Candidate> {
    logprobs
        .iter()
        .map(|(token, logprob)| Candidate {
            token: *token,
            logprob: *logprob,
        })
        .collect()
}

/// g in f64, exact enough on both sides of u = 1/2.
fn reference(v: u64) -> f64 {
    let minus_ln = if v < 1 << 63 {
        -((2.0 * v as f64 + 1.0) / 65f64.exp2()).ln()
    } else {
        // 1 - u = (2^65 - 2v - 1) / 2^65 exactly.
        let rest = (1u128 << 65) - 2 * u128::from(v) - 1;
        -(-(rest as f64 / 65f64.exp2())).ln_1p()
    };
    -minus_ln.ln()
}

fn check(v: u64) {
    let (expected, got) = (reference(v), gumbel(v) as f64 / 1e6);
    if expected <= 20.0 {
        assert!(
            (got - expected).abs() <= 1e-6,
            "v {v}: {got} against {expected}"
        );
    } else {
        assert!(
            (20.0 - 1e-6..=39.6).contains(&got),
            "v {v}: {got} against {expected}"
        );
    }
}

#[test]
fn the_integer_gumbel_agrees_with_floating_point() {
    for v in [
        0,
        1,
        2,
        u64::MAX / 2,
        u64::MAX / 2 + 1,
        u64::MAX - 1,
        u64::MAX,
    ] {
        check(v);
    }
    for bits in 0..64 {
        check(1 << bits);
        check(u64::MAX - (1 << bits));
        check(u64::MAX >> bits);
    }
}

#[test]
fn the_gumbel_never_falls_and_keeps_its_bounds() {
    let values: Vec<i64> = (0..=1000u64).map(|i| gumbel(u64::MAX / 1000 * i)).collect();
    assert!(values.windows(2).all(|w| w[0] <= w[1]));
    assert!(gumbel(0) >= -3_900_000 && gumbel(u64::MAX) <= 39_600_000);
}

#[test]
fn the_constants_are_the_logarithm_of_two() {
    assert!((LN2_E18 as f64 / 1e18 - std::f64::consts::LN_2).abs() < 1e-15);
    assert!((LN2_Q64 as f64 / 64f64.exp2() - std::f64::consts::LN_2).abs() < 1e-15);
}

#[test]
fn temperature_zero_is_greedy_and_ties_go_to_the_lower_token() {
    let candidates = list(&[(7, -100), (3, -100), (1, -200)]);
    assert_eq!(sampler(0).pick(0, &candidates), Some(3));
    assert_eq!(sampler(0).pick(0, &[]), None);
    assert_eq!(sampler(0).margin(0, &candidates, 7, -9999), 0);
    assert_eq!(sampler(0).margin(0, &candidates, 1, -9999), 100);
    assert_eq!(
        sampler(0).margin(0, &candidates, 5, -600),
        500,
        "an unlisted token"
    );
    assert_eq!(
        sampler(0).margin(0, &candidates, 5, -50),
        0,
        "an unlisted token above all"
    );
}

#[test]
fn only_the_first_top_k_take_part() {
    let candidates = list(&[(1, -10), (2, -20), (3, -30)]);
    let narrow = Sampler {
        top_k: 1,
        ..sampler(5000)
    };
    assert!((0..200).all(|position| narrow.pick(position, &candidates) == Some(1)));
    let wide = Sampler { top_k: 3, ..narrow };
    assert!((0..200).any(|position| wide.pick(position, &candidates) == Some(3)));
}

#[test]
fn a_missing_edge_candidate_does_not_change_the_choice_among_the_others() {
    let candidates = list(&[(4, -5000), (9, -9000), (2, -12000), (8, -40000)]);
    for position in 0..300 {
        let chosen = sampler(1000).pick(position, &candidates).unwrap();
        if chosen != 8 {
            assert_eq!(sampler(1000).pick(position, &candidates[..3]), Some(chosen));
        }
    }
}

/// Probabilities 0.5, 0.3, 0.2 at temperature 1, and their squares, normalised, at temperature 1/2.
#[test]
fn frequencies_follow_the_probabilities_and_the_temperature() {
    let candidates = list(&[(10, -6931), (11, -12040), (12, -16094)]);
    for (temperature, expected) in [(1000, [5000, 3000, 2000]), (500, [6579, 2368, 1053])] {
        let mut counts = [0usize; 3];
        for position in 0..10_000 {
            counts[sampler(temperature).pick(position, &candidates).unwrap() as usize - 10] += 1;
        }
        for (count, expected) in counts.iter().zip(expected) {
            // Five standard deviations of at most 50.
            assert!(
                count.abs_diff(expected) < 250,
                "temperature {temperature}: {counts:?}"
            );
        }
    }
}

#[test]
fn the_choice_depends_on_seed_and_position() {
    let candidates = list(&[(0, -10000), (1, -10000), (2, -10000), (3, -10000)]);
    let choices = |seed| -> Vec<_> {
        (0..64)
            .map(|position| {
                Sampler {
                    seed,
                    ..sampler(1000)
                }
                .pick(position, &candidates)
            })
            .collect()
    };
    assert_ne!(choices([1; 32]), choices([2; 32]));
    assert_ne!(seed(&[1; 32], 0), seed(&[1; 32], 1));
    assert_ne!(seed(&[1; 32], 0), seed(&[2; 32], 0));
}

proptest! {
    #[test]
    fn any_draw_agrees_with_floating_point(v in any::<u64>()) {
        check(v);
    }

    #[test]
    fn only_the_winner_has_no_margin(
        logprobs in proptest::collection::vec(-100_000i32..=0, 1..20), temperature in 0u32..3000, position in any::<u64>(),
    ) {
        let candidates: Vec<_> = logprobs.iter().enumerate()
            .map(|(i, logprob)| Candidate { token: i as u32, logprob: *logprob }).collect();
        let sampler = sampler(temperature);
        let chosen = sampler.pick(position, &candidates).unwrap();
        prop_assert_eq!(sampler.margin(position, &candidates, chosen, i32::MIN), 0);
        // Making the winner less likely by m costs it at most m.
        let mut worse = candidates.clone();
        worse[chosen as usize].logprob -= 500;
        prop_assert!(sampler.margin(position, &worse, chosen, i32::MIN) <= 500);
    }

    #[test]
    fn extreme_inputs_do_not_overflow(temperature in any::<u32>(), a in any::<i32>(), b in any::<i32>(), position in any::<u64>()) {
        let candidates = [Candidate { token: u32::MAX, logprob: a }, Candidate { token: 0, logprob: b }];
        let _ = sampler(temperature).margin(position, &candidates, 5, i32::MIN);
    }
}
