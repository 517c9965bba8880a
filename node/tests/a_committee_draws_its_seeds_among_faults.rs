//! Two networks of real CometBFT nodes at once, whose committees draw their seeds and generate their next
//! keys although members are silent, send junk, lie, die in every phase, and have a clock that is an hour
//! off.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use race_proto::race::beacon::v1 as beacon;
use race_proto::race::epoch::v1::{self as epoch, Phase};
use race_randomness::bls::{PublicKey, Signature};
use race_randomness::signing::SignedSeed;
use raced::client::ChainClient;
use raced::comet::rpc::RpcClient;
use raced::demo::sight::Sight;
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::misbehave::Misbehaviour;
use raced::network::Network;

const LIMIT: Duration = Duration::from_secs(180);

fn plan(home: &Path, nodes: u16, ports: u16, misbehave: Vec<(u16, Misbehaviour)>) -> Plan {
    Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        home: home.to_owned(),
        nodes,
        base_port: free_base_port(nodes, ports).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(800),
        models: Vec::new(),
        // Room for a proposer that leaves signatures out, and for a machine with other work.
        params: vec![
            ("epoch/sign_blocks".into(), 8),
            ("epoch/deal_blocks".into(), 6),
            ("epoch/confirm_blocks".into(), 6),
        ],
        misbehave,
    }
}

fn sight_of(network: &Network, node: usize) -> Sight {
    let chain = ChainClient::new(&network.nodes[node].rpc, &network.chain_id).unwrap();
    Sight { chain }
}

fn address(network: &Network, node: usize) -> Vec<u8> {
    hex::decode(&network.nodes[node].validator).unwrap()
}

/// An epoch's seed, checked without trusting the node but for the group's key.
async fn signed_seed(sight: &Sight, number: u64) -> Vec<u8> {
    let request = beacon::QuerySeedRequest { epoch: number };
    let answer: beacon::QuerySeedResponse = sight
        .ask("/race.beacon.v1.Query/Seed", &request)
        .await
        .unwrap();
    let seed = answer.seed.unwrap();
    assert!(!seed.degraded, "the committee did not sign: {seed:?}");
    let signed = SignedSeed {
        chain_id: &answer.chain_id,
        epoch: number,
        race_attempt: seed.race_attempt.into(),
        transcript: seed.transcript.as_slice().try_into().unwrap(),
        signing_attempt: seed.signing_attempt.into(),
        signature: Signature::from_bytes(&seed.signature).unwrap(),
        seed: seed.seed.as_slice().try_into().unwrap(),
    };
    let group = PublicKey::from_bytes(&seed.group).unwrap();
    signed.verify(&group).unwrap();
    seed.seed
}

async fn generation(sight: &Sight, number: u64) -> beacon::QueryKeyGenerationResponse {
    let request = beacon::QueryKeyGenerationRequest {
        epoch: number,
        ..Default::default()
    };
    sight
        .ask("/race.beacon.v1.Query/KeyGeneration", &request)
        .await
        .unwrap()
}

async fn app_hash(rpc: &str, height: u64) -> String {
    // The app hash after block h is in the header of h + 1.
    let rpc = RpcClient::new(rpc).unwrap();
    rpc.wait_for_height(height + 1, LIMIT).await.unwrap();
    let block = rpc.block(Some(height + 1)).await.unwrap().block;
    block.header.app_hash
}

async fn all_agree(network: &Network, sight: &Sight) {
    let height = sight.chain.height().await.unwrap();
    let mut hashes = BTreeSet::new();
    for node in &network.nodes {
        hashes.insert(app_hash(&node.rpc, height).await);
    }
    assert_eq!(hashes.len(), 1, "one app hash at height {height}");
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_nodes_of_which_two_do_not_sign_and_two_do_not_generate_the_next_key() {
    let folder = tempfile::tempdir().unwrap();
    let misbehave = vec![
        (1, Misbehaviour::NoSign),
        (2, Misbehaviour::JunkShares),
        (3, Misbehaviour::OmitSignatures),
        (4, Misbehaviour::FalseComplaint),
        (5, Misbehaviour::JunkDeal),
    ];
    let mut localnet = Localnet::start(plan(folder.path(), 7, 31_000, misbehave))
        .await
        .unwrap();
    let network = localnet.network.clone();
    let sight = sight_of(&network, 0);
    sight.epoch_at_least(2).await.unwrap();
    let seed = signed_seed(&sight, 1).await;
    for node in 1..7 {
        let other = sight_of(&network, node);
        other.epoch_at_least(2).await.unwrap();
        assert_eq!(signed_seed(&other, 1).await, seed, "node {node}");
    }
    let challenge: beacon::QueryRoundResponse = sight
        .ask(
            "/race.beacon.v1.Query/Round",
            &beacon::QueryRoundRequest {
                id: Some(beacon::RoundId {
                    purpose: beacon::Purpose::Challenge.into(),
                    epoch: 1,
                    attempt: 1,
                    round: 0,
                }),
            },
        )
        .await
        .unwrap();
    assert!(!challenge.round.unwrap().degraded);

    // The next committee has neither the liar nor the one that sent junk; whoever only spoiled
    // signatures proved its count and is in.
    let committee: epoch::QueryCommitteeResponse = sight
        .ask(
            "/race.epoch.v1.Query/Committee",
            &epoch::QueryCommitteeRequest { epoch: 2 },
        )
        .await
        .unwrap();
    let members: BTreeSet<Vec<u8>> = committee.members.into_iter().map(|m| m.address).collect();
    let made = generation(&sight, 2).await;
    let false_complaints = made.complaints.iter().filter(|c| !c.upheld).count();
    for node in [4, 5] {
        assert!(!members.contains(&address(&network, node)), "node {node}");
    }
    for node in [0, 1, 2, 3, 6] {
        assert!(members.contains(&address(&network, node)), "node {node}");
    }
    assert!(
        false_complaints > 0 || made.generation.unwrap().key_attempt > 1,
        "the false complaint was judged"
    );
    all_agree(&network, &sight).await;
    localnet.stop().await;
}

/// A node whose CometBFT has a clock that is an hour ahead. It ends with the test.
fn an_hour_ahead(home: &str) -> tokio::process::Child {
    let skewed = std::env::var_os("COMETBFT_SKEWED");
    let skewed = skewed.expect("COMETBFT_SKEWED: what deploy/cometbft/skewed/build.sh makes");
    tokio::process::Command::new(env!("CARGO_BIN_EXE_raced"))
        .args(["start", "--home", home])
        .env("RACED_COMETBFT", skewed)
        .env("CMT_CLOCK_SKEW", "1h")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_of_which_one_dies_in_every_phase_one_does_not_reveal_and_one_is_an_hour_ahead()
{
    const KILLED: u16 = 2;
    const AHEAD: u16 = 3;
    let folder = tempfile::tempdir().unwrap();
    let misbehave = vec![(1, Misbehaviour::NoReveal)];
    let mut localnet = Localnet::start(plan(folder.path(), 4, 33_000, misbehave))
        .await
        .unwrap();
    let network = localnet.network.clone();
    let sight = sight_of(&network, 0);
    localnet.kill(AHEAD).await.unwrap();
    let mut ahead = an_hour_ahead(&network.nodes[usize::from(AHEAD)].home);
    let mut seen = BTreeSet::new();
    loop {
        let now: epoch::QueryCurrentResponse = sight
            .ask(
                "/race.epoch.v1.Query/Current",
                &epoch::QueryCurrentRequest {},
            )
            .await
            .unwrap();
        let now = now.epoch.unwrap();
        if now.number > 1 {
            break;
        }
        if seen.insert(now.phase) {
            localnet.kill(KILLED).await.unwrap();
            localnet.restart(KILLED).unwrap();
        }
        let height = sight.chain.height().await.unwrap();
        sight
            .chain
            .wait_for_height(height + 1, LIMIT)
            .await
            .unwrap();
    }
    for phase in [Phase::Commit, Phase::Race, Phase::Open, Phase::Deal] {
        assert!(seen.contains(&i32::from(phase)), "{phase:?} was seen");
    }
    let seed = signed_seed(&sight, 1).await;
    assert_eq!(signed_seed(&sight_of(&network, 3), 1).await, seed);
    assert!(ahead.try_wait().unwrap().is_none(), "the node is at work");
    all_agree(&network, &sight).await;
    localnet.stop().await;
}
