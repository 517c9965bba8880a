//! Four real CometBFT nodes of which one inflates its count and one is killed without warning while
//! blocks are made, and again in the middle of a race.

use std::path::{Path, PathBuf};
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
use raced::racer::{self, job};
use raced::status::Status;
use raced::unary::HEIGHT_HEADER;

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
    localnet.restart(KILLED).unwrap();

    // It dies again in the middle of its race: what it had found is on disk.
    let home = PathBuf::from(&network.nodes[usize::from(KILLED)].home);
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
    localnet.stop().await;
}
