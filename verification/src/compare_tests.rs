use super::*;
use crate::artifact::{sort_candidates, StopReason};
use race_randomness::hash::{be, h};

const K: usize = 8;
const SAMPLER: Sampler = Sampler {
    seed: [3; 32],
    temperature_millis: 1000,
    top_k: 0,
};

/// A number in -range..=range that depends on the labels only.
fn noise(label: &str, position: u64, token: u64, range: i32) -> i32 {
    let digest = h(
        "race/test/noise/v1",
        &[label.as_bytes(), &be(position), &be(token)],
    );
    let drawn = u32::from_be_bytes(digest[..4].try_into().unwrap());
    (drawn % (2 * range as u32 + 1)) as i32 - range
}

/// All 16 tokens of a toy model's vocabulary: log-probabilities that fall with a shuffled rank, moved
/// by device noise of up to `range`.
fn logits(model: &str, device: &str, position: u64, range: i32) -> Vec<Candidate> {
    let mut ranked: Vec<u32> = (0..16).collect();
    ranked.sort_by_key(|token| noise(model, position, u64::from(*token), 1_000_000));
    let mut all: Vec<Candidate> = ranked
        .iter()
        .enumerate()
        .map(|(rank, token)| Candidate {
            token: *token,
            logprob: -9_000 - 4_000 * rank as i32
                + noise(device, position, u64::from(*token), range),
        })
        .collect();
    sort_candidates(&mut all);
    all
}

fn artifact(positions: Vec<Position>) -> Artifact {
    Artifact::new("q4_1".into(), [0; 32], StopReason::MaxTokens, positions).unwrap()
}

/// What an executor with this model and device generates.
fn generate(model: &str, device: &str, length: u64) -> Artifact {
    let positions = (0..length).map(|at| {
        let mut top = logits(model, device, at, 2_000);
        top.truncate(K);
        Position {
            token: SAMPLER.pick(at, &top).unwrap(),
            top,
        }
    });
    artifact(positions.collect())
}

fn any() -> Thresholds {
    Thresholds::uncalibrated(K as u8)
}

/// The checker's prefill with the right model on its own device.
fn prefill(artifact: &Artifact) -> Vec<Prefill> {
    let own = |at: u64, position: &Position| {
        let all = logits("right", "checker", at, 2_000);
        let find = |token| all.iter().find(|c| c.token == token).unwrap().logprob;
        Prefill {
            committed: position.top.iter().map(|c| find(c.token)).collect(),
            chosen: find(position.token),
            top: all[..K].to_vec(),
        }
    };
    (0..)
        .zip(artifact.positions())
        .map(|(at, position)| own(at, position))
        .collect()
}

fn check(artifact: &Artifact) -> Verdict {
    let thresholds = Thresholds::uncalibrated(K as u8);
    let length = artifact.positions().len() as u64;
    match compare(artifact, &SAMPLER, &prefill(artifact), &thresholds) {
        Ok(comparison) => judge(&comparison, &thresholds, length),
        Err(reason) => Verdict::CannotCheck(reason),
    }
}

#[test]
fn an_honest_answer_on_another_device_passes() {
    for length in [8, 31, 32, 200] {
        assert_eq!(
            check(&generate("right", "executor", length)),
            Verdict::Pass,
            "length {length}"
        );
    }
}

#[test]
fn another_model_is_false() {
    for length in [8, 32, 200] {
        assert!(matches!(
            check(&generate("cheap", "executor", length)),
            Verdict::False(Fault::Distance { .. })
        ));
    }
}

#[test]
fn a_cheap_text_with_true_candidates_is_false() {
    let cheap = generate("cheap", "executor", 64);
    let positions = (0..).zip(cheap.positions()).map(|(at, position)| {
        let mut top = logits("right", "executor", at, 2_000);
        top.truncate(K);
        Position {
            token: position.token,
            top,
        }
    });
    assert!(matches!(
        check(&artifact(positions.collect())),
        Verdict::False(Fault::Mismatch { .. })
    ));
}

#[test]
fn a_cheap_text_with_true_candidates_but_without_the_winners_is_false() {
    let cheap = generate("cheap", "executor", 64);
    let positions = (0..).zip(cheap.positions()).map(|(at, position)| {
        // True log-probabilities of the chosen token and of those that it beats.
        let mut top = logits("right", "executor", at, 2_000);
        while SAMPLER.pick(at, &top) != Some(position.token) {
            let winner = SAMPLER.pick(at, &top).unwrap();
            top.retain(|c| c.token != winner);
        }
        let mut filler = 100;
        while top.len() < K {
            top.push(Candidate {
                token: filler,
                logprob: -900_000,
            });
            filler += 1;
        }
        sort_candidates(&mut top);
        let chosen = top
            .iter()
            .copied()
            .find(|c| c.token == position.token)
            .unwrap();
        top.truncate(K);
        if !top.contains(&chosen) {
            top[K - 1] = chosen;
        }
        Position {
            token: position.token,
            top,
        }
    });
    let forged = artifact(positions.collect());
    // The checker agrees with every committed log-probability.
    let mut own = prefill_known(&forged);
    for (own, position) in own.iter_mut().zip(forged.positions()) {
        own.committed = position.top.iter().map(|c| c.logprob).collect();
    }
    let thresholds = Thresholds::uncalibrated(K as u8);
    let comparison = compare(&forged, &SAMPLER, &own, &thresholds).unwrap();
    assert_eq!((comparison.mismatches, comparison.distance_sum), (0, 0));
    assert!(matches!(
        judge(&comparison, &thresholds, 64),
        Verdict::False(Fault::Margin { .. })
    ));
}

/// The checker's prefill where committed lists name tokens outside the vocabulary.
fn prefill_known(artifact: &Artifact) -> Vec<Prefill> {
    (0..)
        .zip(artifact.positions())
        .map(|(at, position)| {
            let all = logits("right", "checker", at, 2_000);
            let find = |token| {
                all.iter()
                    .find(|c| c.token == token)
                    .map_or(-900_000, |c| c.logprob)
            };
            Prefill {
                committed: vec![0; K],
                chosen: find(position.token),
                top: all[..K].to_vec(),
            }
        })
        .collect()
}

#[test]
fn one_swapped_token_is_found_exactly() {
    let honest = generate("right", "executor", 200);
    let mut positions = honest.positions().to_vec();
    let other = positions[150]
        .top
        .iter()
        .find(|c| c.token != positions[150].token)
        .unwrap()
        .token;
    positions[150].token = other;
    assert_eq!(
        check(&artifact(positions)),
        Verdict::False(Fault::Mismatch { position: 150 })
    );
}

/// An artifact with another token at a position of a long answer, and its list made to fit: the token is
/// listed, and those that beat it are not.
fn swapped(honest: &Artifact, at: usize) -> Artifact {
    let mut positions = honest.positions().to_vec();
    let token = logits("right", "executor", at as u64, 2_000)[15].token;
    let mut top: Vec<Candidate> = (100..100 + K as u32 - 1)
        .map(|token| Candidate {
            token,
            logprob: -900_000,
        })
        .collect();
    top.push(Candidate { token, logprob: -1 });
    sort_candidates(&mut top);
    positions[at] = Position { token, top };
    artifact(positions)
}

#[test]
fn one_swapped_token_whose_list_was_made_to_fit_is_false() {
    let honest = generate("right", "executor", 300);
    let forged = swapped(&honest, 150);
    let own = prefill_known(&forged);
    let thresholds = any();
    let mut own_of_honest = prefill(&honest);
    own_of_honest[150] = own[150].clone();
    let comparison = compare(&forged, &SAMPLER, &own_of_honest, &thresholds).unwrap();
    assert_eq!(comparison.mismatches, 0, "the list fits");
    assert!(
        matches!(
            judge(&comparison, &thresholds, 300),
            Verdict::False(Fault::Outlier { .. })
        ),
        "{comparison:?}"
    );
}

#[test]
fn a_winner_that_an_honest_list_may_lack_is_no_outlier() {
    let sampler = Sampler {
        temperature_millis: 10_000,
        ..SAMPLER
    };
    // The checker's last candidate is one that the executor just did not list.
    let list = |last: u32| -> Vec<Candidate> {
        let mut list: Vec<Candidate> = (0..K as u32 - 1)
            .map(|token| Candidate {
                token,
                logprob: -20_000,
            })
            .collect();
        list.push(Candidate {
            token: last,
            logprob: -20_100,
        });
        list
    };
    let positions = (0..400).map(|at| Position {
        token: sampler.pick(at, &list(50)).unwrap(),
        top: list(50),
    });
    let honest = artifact(positions.collect());
    let own: Vec<Prefill> = honest
        .positions()
        .iter()
        .map(|position| Prefill {
            committed: position.top.iter().map(|c| c.logprob).collect(),
            top: list(60),
            chosen: position
                .top
                .iter()
                .find(|c| c.token == position.token)
                .unwrap()
                .logprob,
        })
        .collect();
    let comparison = compare(&honest, &sampler, &own, &any()).unwrap();
    assert!(comparison.margin_sum > 0, "it wins sometimes");
    assert_eq!(comparison.max_margin, 0);
}

#[test]
fn a_short_answer_does_not_pass_but_is_still_caught() {
    let short = generate("right", "executor", 7);
    assert_eq!(check(&short), Verdict::CannotCheck(CannotCheck::TooShort));
    let mut positions = short.positions().to_vec();
    positions[0].token = 999;
    let mut own = prefill(&short);
    own[0].chosen = -900_000;
    let comparison = compare(&artifact(positions), &SAMPLER, &own, &any()).unwrap();
    let verdict = judge(&comparison, &Thresholds::uncalibrated(K as u8), 7);
    assert_eq!(verdict, Verdict::False(Fault::Mismatch { position: 0 }));
    let class = LengthClass {
        min_length: 1,
        max_mean_distance: 4_000,
        max_mean_margin: 4_000,
        max_violations_millis: 1000,
        max_margin: 0,
    };
    let calibrated = Thresholds::new(K as u8, 5_000, vec![class]).unwrap();
    let comparison = compare(&short, &SAMPLER, &prefill(&short), &any()).unwrap();
    assert_eq!(
        judge(&comparison, &calibrated, 7),
        Verdict::Pass,
        "a class for short answers makes it checkable"
    );
}

#[test]
fn what_cannot_be_checked_never_passes() {
    let honest = generate("right", "executor", 40);
    let thresholds = Thresholds::uncalibrated(K as u8);
    let full = prefill(&honest);
    let comparison = compare(&honest, &SAMPLER, &full, &any()).unwrap();
    for length in [0, 39, 41] {
        assert_eq!(
            judge(&comparison, &thresholds, length),
            Verdict::CannotCheck(CannotCheck::WrongLength)
        );
    }
    assert_eq!(
        judge(&Comparison::default(), &thresholds, 0),
        Verdict::CannotCheck(CannotCheck::WrongLength)
    );
    let mut few = full.clone();
    few[3].committed.pop();
    let mut narrow = full.clone();
    narrow[3].top.pop();
    for incomplete in [&full[..39], &few[..], &narrow[..], &[]] {
        assert_eq!(
            compare(&honest, &SAMPLER, incomplete, &any()),
            Err(CannotCheck::IncompletePrefill)
        );
    }
}

#[test]
fn means_are_judged_exactly_at_the_limit() {
    let class = LengthClass {
        min_length: 1,
        max_mean_distance: 10,
        max_mean_margin: 20,
        max_violations_millis: 100,
        max_margin: 30,
    };
    let thresholds = Thresholds::new(K as u8, 50, vec![class]).unwrap();
    let at = Comparison {
        positions: 10,
        distances: 30,
        distance_sum: 300,
        margin_sum: 200,
        margin_violations: 1,
        max_margin: 30,
        ..Comparison::default()
    };
    assert_eq!(judge(&at, &thresholds, 10), Verdict::Pass);
    let outlying = Comparison {
        max_margin: 31,
        ..at
    };
    assert_eq!(
        judge(&outlying, &thresholds, 10),
        Verdict::False(Fault::Outlier {
            margin: 31,
            allowed: 30
        })
    );
    let far = Comparison {
        distance_sum: 301,
        ..at
    };
    assert_eq!(
        judge(&far, &thresholds, 10),
        Verdict::False(Fault::Distance {
            mean: 10,
            allowed: 10
        })
    );
    let below = Comparison {
        margin_sum: 201,
        ..at
    };
    assert_eq!(
        judge(&below, &thresholds, 10),
        Verdict::False(Fault::Margin {
            mean: 20,
            allowed: 20
        })
    );
    let often = Comparison {
        margin_violations: 2,
        ..at
    };
    assert_eq!(
        judge(&often, &thresholds, 10),
        Verdict::False(Fault::Violations {
            positions: 2,
            allowed_millis: 100
        })
    );
}

#[test]
fn a_single_wild_value_does_not_decide_a_long_answer() {
    let honest = generate("right", "executor", 300);
    let mut own = prefill(&honest);
    own[17].committed[2] = -5_000_000;
    let thresholds = Thresholds::uncalibrated(K as u8);
    let comparison = compare(&honest, &SAMPLER, &own, &thresholds).unwrap();
    assert_eq!(judge(&comparison, &thresholds, 300), Verdict::Pass);
}

#[test]
fn an_artifact_with_fewer_candidates_than_asked_for_does_not_pass() {
    let honest = generate("right", "executor", 40);
    let narrow = honest.positions().iter().map(|position| Position {
        token: position.top[0].token,
        top: position.top[..1].to_vec(),
    });
    let narrow = artifact(narrow.collect());
    let mut own = prefill(&narrow);
    own.iter_mut().for_each(|own| own.top.truncate(1));
    assert_eq!(
        compare(&narrow, &SAMPLER, &own, &any()),
        Err(CannotCheck::WrongTopK)
    );
    assert_eq!(
        Thresholds::new(0, 1, any().classes().to_vec()),
        Err(ThresholdsError::TopK(0))
    );
    assert_eq!(
        Thresholds::new(65, 1, any().classes().to_vec()),
        Err(ThresholdsError::TopK(65))
    );
}

#[test]
fn thresholds_out_of_order_are_refused() {
    let class = |min_length| LengthClass {
        min_length,
        max_mean_distance: 1,
        max_mean_margin: 1,
        max_violations_millis: 1,
        max_margin: 1,
    };
    assert_eq!(
        Thresholds::new(K as u8, 1, vec![]),
        Err(ThresholdsError::Empty)
    );
    assert_eq!(
        Thresholds::new(K as u8, 1, vec![class(0)]),
        Err(ThresholdsError::Order)
    );
    assert_eq!(
        Thresholds::new(K as u8, 1, vec![class(5), class(5)]),
        Err(ThresholdsError::Order)
    );
    assert_eq!(
        Thresholds::new(K as u8, 1, (1..18).map(class).collect()),
        Err(ThresholdsError::TooMany(17))
    );
    let ours = Thresholds::uncalibrated(K as u8);
    assert_eq!(
        Thresholds::new(ours.top_k(), ours.margin_limit(), ours.classes().to_vec()),
        Ok(ours.clone())
    );
    assert_eq!(ours.class_for(31).unwrap().min_length, 8);
    assert_eq!(ours.class_for(32).unwrap().min_length, 32);
    assert_eq!(ours.class_for(7), None);
}
