use bytes::Bytes;
use prost::Message;
use race_app::beacon::{self, signing};
use race_app::injected;
use race_app::store::Proof;
use race_app::testing::{Builder, Chain};
use race_proto::race::beacon::v1::{
    MsgPostShares, Purpose, QuerySeedRequest, QuerySeedResponse, RoundId, RoundSignature,
    RoundStatus, VoteExtension,
};
use race_proto::race::epoch::v1::Phase;
use race_randomness::bls::{PublicKey, Signature, DST_SIGNATURE};
use race_randomness::commit_reveal::signed_seed;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::response_verify_vote_extension::VerifyStatus;
use tendermint_proto::v0_38::abci::{RequestQuery, RequestVerifyVoteExtension};

fn until(chain: &mut Chain, phase: Phase) {
    chain.run_until("the phase", 200, |chain| chain.epoch().phase() == phase);
}

fn seed_of(chain: &Chain, epoch: u64) -> QuerySeedResponse {
    let request = QuerySeedRequest { epoch };
    chain.query("/race.beacon.v1.Query/Seed", &request).unwrap()
}

fn round(chain: &Chain, id: &RoundId) -> race_proto::race::beacon::v1::Round {
    chain.read(|_, state| beacon::round(state, id)).unwrap()
}

#[test]
fn every_seed_of_an_ordinary_epoch_is_signed() {
    let mut chain = Chain::new(4);
    chain.run_until("epoch 3", 400, |chain| chain.epoch().number == 3);
    for epoch in 1..=2 {
        for purpose in [Purpose::RaceSeed, Purpose::Challenge, Purpose::Duties] {
            let attempt = 1;
            let round = round(&chain, &beacon::id(purpose, epoch, attempt, 0));
            assert_eq!(round.status(), RoundStatus::Done);
            assert!(!round.degraded, "{purpose:?} of epoch {epoch}");
        }
        let answer = seed_of(&chain, epoch);
        let seed = answer.seed.unwrap();
        let group = PublicKey::from_bytes(&seed.group).unwrap();
        let signature = Signature::from_bytes(&seed.signature).unwrap();
        assert!(group.verify(&answer.message, DST_SIGNATURE, &signature));
        let transcript = seed.transcript.as_slice().try_into().unwrap();
        assert_eq!(signed_seed(&signature, transcript)[..], seed.seed);
        assert_eq!((seed.signing_attempt, seed.degraded), (1, false));
    }
    let session = chain.read(|_, state| beacon::latest_session_round(state));
    assert!(!session.unwrap().degraded);
}

#[test]
fn a_seed_is_there_three_blocks_after_the_reveals_and_the_race_begins_with_it() {
    let mut chain = Chain::new(4);
    until(&mut chain, Phase::Seed);
    let closed = chain.height;
    until(&mut chain, Phase::Race);
    // Votes for the next block carry shares, the block after it the signature.
    assert_eq!(chain.height, closed + 2);
}

#[test]
fn a_silent_third_and_junk_of_a_third_change_nothing() {
    for junk in [false, true] {
        let spoil = |node: &mut race_app::testing::TestNode| match junk {
            true => node.behaviour.junk_extensions = true,
            false => node.behaviour.does_not_sign = true,
        };
        let chain = Builder::new(7).node(1, spoil).node(4, spoil);
        let mut chain = chain.start();
        chain.run_until("epoch 2", 400, |chain| chain.epoch().number == 2);
        let seed = seed_of(&chain, 1).seed.unwrap();
        assert_eq!((seed.degraded, seed.signing_attempt), (false, 1));
    }
}

#[test]
fn without_signatures_the_fallback_makes_every_seed_and_the_chain_goes_on() {
    let mut chain = Builder::new(4);
    for index in 0..2 {
        chain = chain.node(index, |node| node.behaviour.does_not_sign = true);
    }
    let mut chain = chain.start();
    chain.run_until("epoch 2", 400, |chain| chain.epoch().number == 2);
    let answer = seed_of(&chain, 1);
    let seed = answer.seed.unwrap();
    assert_eq!((seed.degraded, seed.signing_attempt), (true, 3));
    assert!(seed.signature.is_empty() && answer.message.is_empty());
    assert_eq!(seed.secrets.len(), 4);
    let challenge = round(&chain, &beacon::id(Purpose::Challenge, 1, 1, 0));
    assert!(challenge.degraded && challenge.status() == RoundStatus::Done);
}

/// The signatures that the next proposer would put into its block.
fn proposed(chain: &Chain) -> Option<Bytes> {
    let txs = chain
        .app
        .prepare_proposal(&chain.votes, Vec::new(), u64::MAX);
    txs.into_iter().next()
}

fn with_a_proposal() -> (Chain, Bytes) {
    let mut chain = Chain::new(4);
    until(&mut chain, Phase::Seed);
    chain.step();
    let injected = proposed(&chain).expect("the votes suffice");
    (chain, injected)
}

#[test]
fn signatures_come_first_in_a_block_or_not_at_all() {
    let (chain, injected) = with_a_proposal();
    let alice = race_app::testing::Wallet::named("alice");
    let bob = race_app::testing::Wallet::named("bob");
    let payment = Bytes::from(chain.sign(&alice, vec![alice.pays(&bob, 1)]));
    let accepted = |txs: &[&Bytes]| {
        let txs: Vec<Bytes> = txs.iter().copied().cloned().collect();
        chain.app.process_proposal(&txs)
    };
    assert!(accepted(&[&injected, &payment]));
    assert!(accepted(&[&payment]), "absence is accepted");
    assert!(!accepted(&[&payment, &injected]));
    assert!(!accepted(&[&injected, &injected]));
    let refused = chain.app.check_tx(&injected, false).error.unwrap();
    assert_eq!((refused.codespace, refused.code), ("race_beacon", 20));
}

#[test]
fn a_signature_that_is_not_the_committees_is_refused_in_a_proposal_and_in_a_block() {
    let (mut chain, injected) = with_a_proposal();
    let good = injected::read(&injected).unwrap();
    let change = |change: fn(&mut RoundSignature)| {
        let mut signatures = good.clone();
        change(&mut signatures[0]);
        injected::encode(signatures).unwrap()
    };
    let bad = [
        change(|given| given.signing_attempt = 2),
        change(|given| given.round = None),
        change(|given| given.signature = vec![0; 96]),
        change(|given| given.signature.truncate(95)),
        // The identity: infinity, compressed.
        change(|given| {
            given.signature = vec![0; 96];
            given.signature[0] = 0xc0;
        }),
    ];
    for tx in &bad {
        assert!(!chain.app.process_proposal(std::slice::from_ref(tx)));
    }
    let block = bad[0].to_vec();
    let result = chain.block(vec![block]).results.remove(0);
    assert_eq!(
        (result.codespace.as_str(), result.code),
        ("race_beacon", 15)
    );
    until(&mut chain, Phase::Race);
}

#[test]
fn an_extension_is_judged_by_its_size_and_encoding_alone() {
    let chain = Chain::new(1);
    let extension = |parts: Vec<Vec<u8>>| Bytes::from(VoteExtension { parts }.encode_to_vec());
    let verified = |vote_extension: Bytes| {
        let request = RequestVerifyVoteExtension {
            validator_address: vec![9; 20].into(),
            vote_extension,
            ..Default::default()
        };
        let answer = Application::verify_vote_extension(&chain.app, request);
        answer.status() == VerifyStatus::Accept
    };
    assert!(verified(Bytes::new()));
    assert!(verified(extension(vec![vec![1; 32 + 96]])));
    assert!(verified(extension(vec![vec![1; 32 + 100 * 96]])));
    assert!(!verified(extension(vec![vec![1; 32 + 102 * 96]])));
    assert!(!verified(extension(vec![vec![1; 33]])));
    assert!(!verified(extension(vec![vec![1; 31]])));
    assert!(!verified(Bytes::from_static(&[0xff, 0xff])));
}

#[test]
fn a_vote_with_the_largest_extension_fits_a_remote_signers_message() {
    // Ten KiB, of which the vote and the framing take less than 300 bytes.
    const { assert!(signing::MAX_EXTENSION_BYTES + 300 <= 10 * 1024) };
}

#[test]
fn seeds_and_group_keys_prove_under_the_app_hash() {
    let mut chain = Chain::new(4);
    chain.run_until("epoch 2", 400, |chain| chain.epoch().number == 2);
    let seed = beacon::seed_key(1, 1);
    let key = beacon::group_key(1);
    let absent = beacon::seed_key(7, 1);
    for (key, there) in [(seed, true), (key, true), (absent, false)] {
        let request = RequestQuery {
            path: "/store/beacon/key".into(),
            data: key.clone().into(),
            prove: true,
            ..Default::default()
        };
        let answer = Application::query(&chain.app, request);
        assert_eq!(answer.code, 0, "{}", answer.log);
        assert_eq!(!answer.value.is_empty(), there);
        let proof = Proof {
            value: there.then(|| answer.value.to_vec()),
            ops: answer.proof_ops.unwrap().ops,
        };
        proof.verify(&chain.app_hash, "beacon", &key).unwrap();
    }
}

/// What `raced beacon verify --seed` and `randomness/light/verify_seed.py` are tried on.
#[test]
fn the_example_of_a_seed_is_a_real_one() {
    let mut chain = Chain::new(4);
    chain.run_until("epoch 2", 400, |chain| chain.epoch().number == 2);
    let answer = seed_of(&chain, 1);
    let seed = answer.seed.unwrap();
    let text = |bytes: &[u8]| {
        use base64::Engine as _;
        serde_json::Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
    };
    let expected = serde_json::json!({
        "seed": {
            "epoch": seed.epoch.to_string(),
            "race_attempt": seed.race_attempt,
            "seed": text(&seed.seed),
            "degraded": seed.degraded,
            "transcript": text(&seed.transcript),
            "signing_attempt": seed.signing_attempt,
            "signature": text(&seed.signature),
            "group": text(&seed.group),
            "height": seed.height.to_string(),
            "secrets": [],
        },
        "chain_id": answer.chain_id,
        "message": text(&answer.message),
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../randomness/light/seed.json");
    if std::env::var_os("RACE_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{expected:#}\n")).unwrap();
    }
    let example = std::fs::read_to_string(path).unwrap();
    let example: serde_json::Value = serde_json::from_str(&example).unwrap();
    assert_eq!(example, expected, "run this test with RACE_WRITE_DOCS=1");
}

#[test]
fn a_block_takes_shares_once_of_an_account() {
    let mut chain = Chain::new(2);
    until(&mut chain, Phase::Serve);
    let post = |node: usize, signing_attempt| {
        let hot = &chain.nodes[node].hot;
        let message = MsgPostShares {
            sender: hot.address(),
            round: Some(beacon::id(Purpose::RaceSeed, 1, 1, 0)),
            signing_attempt,
            shares: vec![0; 128],
        };
        Bytes::from(chain.sign_free(hot, vec![race_app::message::response(&message)]))
    };
    let (first, again, other) = (post(0, 2), post(0, 3), post(1, 2));
    let accepted = |txs: &[&Bytes]| {
        let txs: Vec<Bytes> = txs.iter().copied().cloned().collect();
        chain.app.process_proposal(&txs)
    };
    assert!(accepted(&[&first, &other]));
    assert!(!accepted(&[&first, &again]));
    let txs = vec![first.clone(), again, other.clone()];
    let proposed = chain.app.prepare_proposal(&[], txs, u64::MAX);
    assert_eq!(proposed, [first, other]);
}
