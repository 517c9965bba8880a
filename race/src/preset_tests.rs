use super::*;

#[test]
fn presets_have_the_published_parameters_and_work() {
    assert_eq!(PAPER.parameters(), 2_285_897_728);
    assert_eq!(TINY.parameters(), 344_320);
    assert_eq!(PAPER.flop_per_nonce(), 18_253_611_008);
}

#[test]
fn the_bounds_of_paper_are_the_published_ones() {
    let bounds: Vec<u64> = PAPER.bounds().iter().map(|b| b.1).collect();
    for published in [
        975_360, 1_419_352, 8_355_840, 10_644_480, 15_605_760, 3_342_464, 8_128_512,
    ] {
        assert!(bounds.contains(&published), "{published} not in {bounds:?}");
    }
}

#[test]
fn a_preset_whose_sums_can_pass_two_to_the_24_is_refused() {
    let wide = Spec {
        d_ffn: 8192 + 1024,
        ..*PAPER
    };
    assert_eq!(
        Preset::prove(wide),
        Err(PresetError::Inexact {
            quantity: "the feed-forward output Wdown",
            bound: 1905 * 9216
        })
    );
    let many_heads = Spec {
        heads: 256,
        ..*PAPER
    };
    assert!(matches!(
        Preset::prove(many_heads),
        Err(PresetError::Inexact { .. })
    ));
}

#[test]
fn a_preset_that_the_definition_cannot_work_with_is_refused() {
    for bad in [
        Spec { layers: 0, ..*TINY },
        Spec {
            d_model: 60,
            ..*TINY
        },
        Spec {
            vocab: 70_000,
            ..*TINY
        },
        Spec { s_qkv: 0, ..*TINY },
        Spec {
            target_table: &[1, 2],
            ..*TINY
        },
    ] {
        assert!(matches!(Preset::prove(bad), Err(PresetError::Size(_))));
    }
}

#[test]
fn a_preset_is_found_by_its_name() {
    assert_eq!(Preset::by_name("paper").unwrap().layers, 64);
    assert_eq!(Preset::by_name("Paper"), Err(PresetError::Unknown));
}

/// The normal distribution's quantile by bisection on a series of its integral.
fn probit(p: f64) -> f64 {
    let cdf = |x: f64| {
        let (mut term, mut sum) = (x, x);
        for k in 1..400 {
            term *= x * x / (2 * k + 1) as f64;
            sum += term;
        }
        0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
    };
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if cdf(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    low
}

#[test]
fn target_tables_are_the_rounded_quantiles_of_the_normal_distribution() {
    for preset in ALL {
        for (i, &q) in preset.target_table.iter().enumerate() {
            let p = (i as f64 + 0.5) / preset.d_model as f64;
            let exact = (16.0 * probit(p)).round_ties_even().clamp(-63.0, 63.0);
            assert_eq!(i32::from(q), exact as i32, "{} item {i}", preset.name);
        }
    }
}
