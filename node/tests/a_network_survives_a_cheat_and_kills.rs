//! Four real CometBFT nodes of which one inflates its count and one is killed without warning while
//! blocks are made, and again in the middle of a race, in which a second process races for it.

mod open_metrics;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use race_proto::race::beacon::v1 as beacon;
use race_proto::race::epoch::v1 as epoch;
use race_proto::race::race::v1 as race;
use raced::client::ChainClient;
use raced::comet::rpc::RpcClient;
use raced::demo::sight::Sight;
use raced::localnet::run::{free_base_port, Localnet};
use raced::localnet::Plan;
use raced::misbehave::Misbehaviour;
use raced::racer::finds::Finds;
use raced::racer::nonces::Share;
use raced::racer::{self, job};
use raced::status::Status;
use raced::unary::HEIGHT_HEADER;
use rustix::process::{kill_process, Pid, Signal};
use tokio::process::{Child, Command};

const INFLATES: u16 = 3;
const KILLED: u16 = 1;
const LIMIT: Duration = Duration::from_secs(120);

fn plan(home: &Path) -> Plan {
    Plan {
        binary: PathBuf::from(env!("CARGO_BIN_EXE_raced")),
        home: home.to_owned(),
        nodes: 4,
        base_port: free_base_port(4, 28_000).expect("free ports"),
        preset: "tiny".into(),
        epoch_blocks: Some(8),
        block_time: Duration::from_millis(800),
        models: Vec::new(),
        // Long enough for a node to come back while it is open.
        params: vec![("epoch/race_blocks".into(), 14)],
        misbehave: vec![(INFLATES, Misbehaviour::Inflate)],
    }
}

/// A second process that races for the node of `home`.
fn work(home: &Path, nonces: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_raced"))
        .args(["race", "work", "--threads", "1", "--output", "json"])
        .args(["--nonces", nonces])
        .arg("--home")
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn app_hash(rpc: &str, height: u64) -> String {
    // The app hash after block h is in the header of h + 1.
    let rpc = RpcClient::new(rpc).unwrap();
    rpc.wait_for_height(height + 1, LIMIT).await.unwrap();
    rpc.block(Some(height + 1))
        .await
        .unwrap()
        .block
        .header
        .app_hash
}

async fn get(url: &str) -> reqwest::Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap()
}

/// What a node tells Prometheus, and whoever asks how it is.
async fn is_watched(sight: &Sight, node: &raced::network::Node) {
    let beside = |path: &str| node.metrics.replace("/metrics", path);
    assert_eq!(get(&beside("/healthz")).await.status(), 200);
    sight
        .until("readiness", || async {
            Ok((get(&beside("/readyz")).await.status() == 200).then_some(()))
        })
        .await
        .unwrap();
    let ready: serde_json::Value = get(&beside("/readyz")).await.json().await.unwrap();
    assert_eq!(ready["ready"], true, "{ready}");

    let answer = get(&node.metrics).await;
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let families = open_metrics::read(&answer.text().await.unwrap());
    let samples = |family: &str| families[family].samples.clone();
    let sum = |family: &str| samples(family).values().sum::<f64>();
    let height = sight.chain.height().await.unwrap();
    assert!(sum("raced_block_height") + 20.0 > height as f64);
    assert_eq!(sum("raced_epoch_phase"), 1.0, "one phase at a time");
    for positive in [
        "raced_block_timestamp_seconds",
        "raced_epoch_number",
        "raced_epoch_total_power",
        "raced_validator_power",
        "raced_validator_due_signatures",
        "raced_comet_up",
        "raced_comet_peers",
        "raced_comet_block_height",
        "raced_block_txs",
        "raced_mempool_checked_txs",
        "raced_abci_call_duration_seconds",
        "raced_store_commit_duration_seconds",
        "raced_beacon_seeds",
        "raced_beacon_shares_held",
        "raced_beacon_shares_threshold",
        "raced_beacon_race_seed_blocks",
        "raced_keygen_keys",
        "process_cpu_seconds",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(sum(positive) > 0.0, "{positive}: {:?}", samples(positive));
    }
    for zero in [
        "raced_comet_consensus_failures",
        "raced_comet_app_hash_mismatches",
    ] {
        assert_eq!(sum(zero), 0.0, "{zero}");
    }
    for call in ["finalize_block", "commit", "extend_vote", "check_tx"] {
        let counted = format!("raced_abci_call_duration_seconds_count{{call=\"{call}\"}}");
        let counts = samples("raced_abci_call_duration_seconds");
        assert!(counts[&counted] > 0.0, "{call}");
    }
}

/// `raced doctor` has nothing to object to in a node that runs.
async fn is_well(node: &raced::network::Node) {
    let done = Command::new(env!("CARGO_BIN_EXE_raced"))
        .args(["doctor", "--output", "json", "--home", &node.home])
        .output()
        .await
        .unwrap();
    let told: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let checks = told["checks"].as_array().unwrap();
    for name in [
        "configuration",
        "validator key",
        "hot key",
        "cometbft",
        "ports",
        "peers",
        "node",
        "clock",
    ] {
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["state"], "ok", "{check}");
    }
}

/// A running node takes another filter for its log.
async fn changes_its_log(sight: &Sight, node: &raced::network::Node, log: &Path) {
    let config = Path::new(&node.home).join("config").join("app.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let filtered = text.replace("log = \"info,", "log = \"info,raced::driver=trace,");
    assert_ne!(filtered, text);
    std::fs::write(&config, filtered).unwrap();
    let pid = Pid::from_raw(i32::try_from(node.pid).unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    sight
        .until("the new filter in the log", || async {
            let log = std::fs::read_to_string(log)?;
            let told = log.lines().find(|l| l.contains("the log has a new filter"));
            Ok(told.map(|line| assert!(line.contains("raced::driver=trace"), "{line}")))
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_survives_a_cheat_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut localnet = Localnet::start(plan(folder.path())).await.unwrap();
    let network = localnet.network.clone();
    let chain = ChainClient::new(&network.nodes[0].rpc, &network.chain_id).unwrap();
    let sight = Sight { chain };

    // A node dies with the others at work: the rest goes on.
    let height = sight.chain.height().await.unwrap();
    localnet.kill(KILLED).await.unwrap();
    sight
        .chain
        .wait_for_height(height + 5, LIMIT)
        .await
        .unwrap();

    // It comes back with one half of the nonces; a process of its own has the other.
    let home = PathBuf::from(&network.nodes[usize::from(KILLED)].home);
    let config = home.join("config").join("app.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let halved = text.replace("nonces = \"all\"", "nonces = \"1/2\"");
    assert_ne!(halved, text);
    std::fs::write(&config, halved).unwrap();
    localnet.restart(KILLED).unwrap();
    let worker = work(&home, "2/2");

    // It dies again in the middle of its race: what it had found is on disk.
    sight
        .until("a race in progress", || async {
            let racing = Status::read(&home).and_then(|status| status.race);
            Ok(racing.filter(|race| race.found > 0))
        })
        .await
        .unwrap();
    localnet.kill(KILLED).await.unwrap();
    let start = job::posted(&racer::folder(&home)).expect("the window is open");
    let (number, attempt) = start.id;
    let file = racer::folder(&home).join(format!("{number}-{attempt}.finds"));
    let before = Finds::read(&file, &start.of()).unwrap().unwrap();
    assert!(!before.leaves().is_empty());
    localnet.restart(KILLED).unwrap();

    // What it submits is both processes' finds, and no nonce twice.
    let killed = hex::decode(&network.nodes[usize::from(KILLED)].validator).unwrap();
    let submitted = sight
        .until("the last submission", || async {
            let now = sight.epoch().await?;
            let answer: race::QuerySubmissionsResponse = sight
                .ask(
                    "/race.race.v1.Query/Submissions",
                    &race::QuerySubmissionsRequest {
                        epoch: number,
                        attempt,
                    },
                )
                .await?;
            let mine = answer.submissions.into_iter().find(|s| s.address == killed);
            Ok(mine.filter(|_| now.phase() != epoch::Phase::Race))
        })
        .await
        .unwrap();
    let merged = Finds::read(&file, &start.of()).unwrap().unwrap();
    let first = usize::try_from(submitted.count).unwrap();
    let mut leaves = merged.leaves()[..first].to_vec();
    leaves.sort_by_key(|leaf| leaf.nonce);
    let tree = ::race::proof::Tree::new(leaves).unwrap();
    assert_eq!(submitted.root, tree.root());
    let halves = ["1/2", "2/2"].map(|half| half.parse::<Share>().unwrap().range());
    let in_half = halves.map(|half| {
        tree.leaves()
            .iter()
            .filter(|l| half.contains(&l.nonce))
            .count()
    });
    assert!(in_half.iter().all(|count| *count > 0), "{in_half:?}");
    assert_eq!(in_half.iter().sum::<usize>(), first);

    // The first race: the inflated count is struck, the honest ones stand.
    sight.epoch_at_least(number + 1).await.unwrap();
    let answer: race::QueryResultsResponse = sight
        .ask(
            "/race.race.v1.Query/Results",
            &race::QueryResultsRequest {
                epoch: number,
                attempt: 0,
            },
        )
        .await
        .unwrap();
    let of = |node: u16| {
        let address = hex::decode(&network.nodes[usize::from(node)].validator).unwrap();
        answer
            .results
            .iter()
            .find(|r| r.address == address)
            .cloned()
            .unwrap()
    };
    assert_eq!(
        of(INFLATES).outcome(),
        race::Outcome::FalseLeaf,
        "{:?}",
        answer.results
    );
    assert_eq!(of(INFLATES).accepted, 0);
    assert_eq!(of(0).outcome(), race::Outcome::Accepted);
    assert!(of(0).accepted > 0 && of(0).accepted == of(0).claimed);

    // The killed node submitted at least what it had, and could open it.
    assert_eq!(of(KILLED).outcome(), race::Outcome::Accepted);
    assert!(of(KILLED).accepted >= before.leaves().len() as u64);

    // The same query over gRPC, at a height of the past: the answer and the height that was read.
    let mut grpc =
        epoch::query_client::QueryClient::connect(format!("http://{}", network.nodes[0].grpc))
            .await
            .unwrap();
    let mut request = tonic::Request::new(epoch::QueryCommitteeRequest { epoch: 2 });
    let read_at = sight.chain.height().await.unwrap();
    sight
        .chain
        .wait_for_height(read_at + 2, LIMIT)
        .await
        .unwrap();
    request.metadata_mut().insert(HEIGHT_HEADER, read_at.into());
    let over_grpc = grpc.committee(request).await.unwrap();
    let header = over_grpc.metadata().get(HEIGHT_HEADER).unwrap();
    assert_eq!(header.to_str().unwrap(), read_at.to_string());
    let members = over_grpc.into_inner().members;
    assert!(!members.is_empty());
    let future = grpc.epoch(epoch::QueryEpochRequest { number: 1_000 }).await;
    assert_eq!(future.unwrap_err().code(), tonic::Code::NotFound);

    // Killed again and again at whatever height it is, it comes back with the same app hash.
    for _ in 0..3 {
        localnet.kill(KILLED).await.unwrap();
        localnet.restart(KILLED).unwrap();
        let height = sight.chain.height().await.unwrap();
        let mine = app_hash(&network.nodes[usize::from(KILLED)].rpc, height).await;
        assert_eq!(mine, app_hash(&network.nodes[0].rpc, height).await);
    }
    let committee: epoch::QueryCommitteeResponse = sight
        .ask(
            "/race.epoch.v1.Query/Committee",
            &epoch::QueryCommitteeRequest { epoch: 2 },
        )
        .await
        .unwrap();
    let cheat = hex::decode(&network.nodes[usize::from(INFLATES)].validator).unwrap();
    assert!(
        committee.members.iter().all(|m| m.address != cheat),
        "the cheat kept power"
    );

    // The committee generated its key, without the cheat and with the one that was killed.
    let key: beacon::QueryKeyResponse = sight
        .ask(
            "/race.beacon.v1.Query/Key",
            &beacon::QueryKeyRequest { epoch: 2 },
        )
        .await
        .unwrap();
    let key = key.key.unwrap();
    assert_eq!((key.group.len(), key.generated_epoch), (48, 2));
    let made: beacon::QueryKeyGenerationResponse = sight
        .ask(
            "/race.beacon.v1.Query/KeyGeneration",
            &beacon::QueryKeyGenerationRequest {
                epoch: 2,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    let members = made.generation.unwrap().members;
    assert!(members.iter().all(|m| m.address != cheat), "{members:?}");
    assert_eq!(made.deals.len(), members.len());
    assert!(made.complaints.is_empty(), "{:?}", made.complaints);

    is_watched(&sight, &network.nodes[0]).await;
    is_well(&network.nodes[0]).await;
    changes_its_log(&sight, &network.nodes[0], &localnet.log_file(0)).await;
    localnet.stop().await;

    // Each node has stopped in order: its CometBFT, then itself.
    for node in 0..4 {
        let log = std::fs::read_to_string(localnet.log_file(node)).unwrap();
        let (_, stopping) = log.rsplit_once("raced::node: stopping").unwrap();
        let comet = stopping.find("raced::comet::process: CometBFT");
        let itself = stopping.find("raced::node: stopped");
        assert!(comet.is_some() && comet < itself, "node {node}: {stopping}");
    }

    // Asked to stop, the second process tells what it did and ends well.
    let pid = worker
        .id()
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    kill_process(pid.unwrap(), Signal::TERM).unwrap();
    let ended = worker.wait_with_output().await.unwrap();
    assert!(ended.status.success());
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains("\"nonces_per_s\""), "{told}");
}
