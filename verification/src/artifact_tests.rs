use super::*;
use proptest::prelude::*;

fn position(token: u32, top: &[(u32, i32)]) -> Position {
    Position {
        token,
        top: top
            .iter()
            .map(|(token, logprob)| Candidate {
                token: *token,
                logprob: *logprob,
            })
            .collect(),
    }
}

fn artifact() -> Artifact {
    Artifact::new(
        "q4_1".into(),
        [5; 32],
        StopReason::EndOfText,
        vec![
            position(3, &[(3, -100), (9, -5000)]),
            position(2, &[(1, -700), (2, -700)]),
        ],
    )
    .unwrap()
}

fn with_positions(positions: Vec<Position>) -> Result<Artifact, ArtifactError> {
    Artifact::new("f32".into(), [0; 32], StopReason::MaxTokens, positions)
}

#[test]
fn the_encoding_is_the_documented_one() {
    let bytes = artifact().encode();
    let mut expected = vec![1, 4];
    expected.extend(b"q4_1");
    expected.extend([5; 32]);
    expected.extend([1, 2, 0, 0, 0, 2]);
    for value in [3i32, 3, -100, 9, -5000, 2, 1, -700, 2, -700] {
        expected.extend(value.to_be_bytes());
    }
    assert_eq!(bytes, expected);
    assert_eq!(Artifact::decode(&bytes), Ok(artifact()));
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bytes = artifact().encode();
    for length in 0..bytes.len() {
        assert!(Artifact::decode(&bytes[..length]).is_err(), "{length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Artifact::decode(&longer), Err(ArtifactError::Length));
}

#[test]
fn a_huge_claimed_length_is_refused_before_it_is_believed() {
    let mut bytes = artifact().encode();
    bytes[40..44].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(
        Artifact::decode(&bytes),
        Err(ArtifactError::Positions(u32::MAX as usize))
    );
    bytes[40..44].copy_from_slice(&60_000u32.to_be_bytes());
    assert_eq!(Artifact::decode(&bytes), Err(ArtifactError::Length));
}

#[test]
fn malformed_artifacts_are_refused_by_name() {
    assert_eq!(with_positions(vec![]), Err(ArtifactError::Positions(0)));
    assert_eq!(
        with_positions(vec![position(0, &[])]),
        Err(ArtifactError::TopK(0))
    );
    let uneven = vec![position(0, &[(0, -1)]), position(0, &[(0, -1), (1, -2)])];
    assert_eq!(with_positions(uneven), Err(ArtifactError::TopK(1)));
    let wide: Vec<(u32, i32)> = (0..65).map(|i| (i, -1)).collect();
    assert_eq!(
        with_positions(vec![position(0, &wide)]),
        Err(ArtifactError::TopK(0))
    );
    for bad in [
        &[(1, -2), (2, -1)][..],
        &[(2, -1), (1, -1)],
        &[(1, -1), (1, -2)],
        &[(1, -1), (2, -2), (1, -3)],
        &[(1, 1)],
        &[(1, MIN_LOGPROB - 1)],
    ] {
        assert_eq!(
            with_positions(vec![position(0, bad)]),
            Err(ArtifactError::Candidates(0)),
            "{bad:?}"
        );
    }
    for format in ["", "a b", "é", &"x".repeat(65)] {
        let made = Artifact::new(
            format.into(),
            [0; 32],
            StopReason::MaxTokens,
            vec![position(0, &[(0, 0)])],
        );
        assert_eq!(made, Err(ArtifactError::Format));
    }
    let mut bytes = artifact().encode();
    bytes[0] = 2;
    assert_eq!(Artifact::decode(&bytes), Err(ArtifactError::Version(2)));
    let mut bytes = artifact().encode();
    bytes[38] = 9;
    assert_eq!(Artifact::decode(&bytes), Err(ArtifactError::Stop(9)));
}

#[test]
fn the_root_binds_everything() {
    let base = artifact();
    let mut seen = std::collections::BTreeSet::new();
    seen.insert(base.root("race-1"));
    assert!(seen.insert(base.root("race-2")));
    let make = |format: &str, prompt, stop, positions| {
        Artifact::new(format.into(), prompt, stop, positions).unwrap()
    };
    let positions = base.positions().to_vec();
    assert!(
        seen.insert(make("q8_0", [5; 32], StopReason::EndOfText, positions.clone()).root("race-1"))
    );
    assert!(
        seen.insert(make("q4_1", [6; 32], StopReason::EndOfText, positions.clone()).root("race-1"))
    );
    assert!(
        seen.insert(make("q4_1", [5; 32], StopReason::MaxTokens, positions.clone()).root("race-1"))
    );
    assert!(seen.insert(
        make(
            "q4_1",
            [5; 32],
            StopReason::EndOfText,
            positions[..1].to_vec()
        )
        .root("race-1")
    ));
    let mut other = positions.clone();
    other[1].token = 1;
    assert!(seen.insert(make("q4_1", [5; 32], StopReason::EndOfText, other).root("race-1")));
    let mut other = positions;
    other[1].top[1].logprob -= 1;
    assert!(seen.insert(make("q4_1", [5; 32], StopReason::EndOfText, other).root("race-1")));
}

#[test]
fn hashes_of_prompt_output_and_request_are_apart() {
    let hashes = [
        prompt_hash("c", &[1, 2]),
        output_hash("c", &[1, 2], b""),
        output_hash("c", &[1, 2], b"t"),
        request_hash("c", &[0, 0, 0, 1, 0, 0, 0, 2]),
        prompt_hash("c", &[1]),
        prompt_hash("d", &[1]),
    ];
    assert_eq!(
        hashes
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        hashes.len()
    );
}

#[test]
fn stop_reasons_are_found_by_their_codes() {
    for code in 0..=255 {
        assert!(StopReason::from_code(code).is_none_or(|stop| stop.code() == code));
    }
    assert_eq!((0..=255).filter_map(StopReason::from_code).count(), 5);
}

proptest! {
    #[test]
    fn artifacts_survive_their_encoding(
        tokens in proptest::collection::vec((any::<u32>(), proptest::collection::btree_map(any::<u32>(), MIN_LOGPROB..=0, 5)), 1..20),
    ) {
        let positions = tokens.into_iter().map(|(token, top)| {
            let mut top: Vec<_> = top.into_iter().map(|(token, logprob)| Candidate { token, logprob }).collect();
            sort_candidates(&mut top);
            Position { token, top }
        }).collect();
        let artifact = with_positions(positions).unwrap();
        prop_assert_eq!(Artifact::decode(&artifact.encode()), Ok(artifact));
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(at in 0usize..84, bit in 0u8..8) {
        let mut bytes = artifact().encode();
        bytes[at] ^= 1 << bit;
        if let Ok(decoded) = Artifact::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }
}
