use super::*;

#[test]
fn presets_have_the_published_parameters_and_work() {
    assert_eq!(PAPER.parameters(), 2_285_897_728);
    assert_eq!(SMALL.parameters(), 146_802_688);
    assert_eq!(TINY.parameters(), 344_320);
    assert_eq!(PAPER.flop_per_nonce(), 18_253_611_008);
    assert_eq!(SMALL.flop_per_nonce(), PAPER.flop_per_nonce() / 16);
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

/// The largest sums, with every activation and every weight at its limit, added up term by term.
fn worst_cases(preset: &Preset) -> [u64; 8] {
    let product = |terms: usize, x: u64| (0..terms).map(|_| x * 15).sum::<u64>();
    // Attention: any weights of the table, the best score's 31 among them.
    let numerator = (31..=31 * preset.seq as u64)
        .map(|weights| 127 * weights * (65_536 / weights) + 32_768)
        .max()
        .unwrap();
    let norm = (1..=2 * 127 * preset.d_model as u64)
        .map(|sum| sum * (51 * 128 * preset.d_model as u64 / sum) + 128)
        .max()
        .unwrap();
    [
        product(preset.d_model, 127),
        (0..preset.d_head).map(|_| 127 * 127).sum(),
        numerator,
        product(preset.d_attn(), 63),
        product(preset.d_ffn, 127),
        norm,
        (0..preset.d_model).map(|_| 127 + 127).sum(),
        (0..preset.d_model).map(|_| 126 * 126).sum(),
    ]
}

#[test]
fn no_worst_case_of_any_preset_passes_its_bound_or_two_to_the_24() {
    for preset in ALL {
        for (worst, (quantity, bound)) in worst_cases(preset).into_iter().zip(preset.bounds()) {
            let name = preset.name;
            assert!(worst <= bound, "{name}: {quantity}: {worst} > {bound}");
            assert!(bound < 1 << 24, "{name}: {quantity}: {bound}");
        }
    }
}

#[test]
fn small_spreads_as_paper_does() {
    // Equal terms, and as many as a shift smaller by one makes up for: sums of random signs spread
    // by the root of their number.
    let quarter = |paper: usize, small: usize| assert_eq!(paper, 4 * small);
    quarter(PAPER.d_attn(), SMALL.d_attn());
    quarter(PAPER.d_ffn, SMALL.d_ffn);
    quarter(PAPER.layers, SMALL.layers);
    assert_eq!(PAPER.s_attn_out, SMALL.s_attn_out + 1);
    assert_eq!(PAPER.s_ffn_out, SMALL.s_ffn_out + 1);
    let same = Spec {
        name: PAPER.name,
        layers: PAPER.layers,
        heads: PAPER.heads,
        d_ffn: PAPER.d_ffn,
        s_attn_out: PAPER.s_attn_out,
        s_ffn_out: PAPER.s_ffn_out,
        threshold: PAPER.threshold,
        ..*SMALL
    };
    assert_eq!(same, *PAPER);
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
    // The last width that holds, and the first that does not.
    for (d_ffn, holds) in [(8800, true), (8808, false)] {
        let spec = Spec { d_ffn, ..*PAPER };
        assert_eq!(Preset::prove(spec).is_ok(), holds, "{d_ffn}");
    }
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
    assert_eq!(Preset::by_name("small").unwrap().layers, 16);
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
