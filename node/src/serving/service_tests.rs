//! The service over a state written by hand, with a tiny model.

use std::path::Path;

use pb::generate_event::Event;
use pb::inference_server::Inference as _;
use prost::Message as _;
use race_app::epoch;
use race_app::state::{Item, Map, State};
use race_inference::fixture;
use race_proto::race::epoch::v1::Epoch;
use race_proto::race::model::v1::{LengthClass, Model, Thresholds};
use race_proto::race::node::v1::{Endpoints, Node, NodeKeys};
use race_proto::race::session::v1::PinnedHost;
use race_verification::compare::Verdict;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::StreamExt as _;
use tonic::transport::Server;

use super::*;
use crate::config;
use crate::preempt::Preempt;
use crate::protocol::View;
use crate::serving::answer::Settled;
use crate::serving::client::{Ask, Drawn};

const CHAIN: &str = "c";
const ID: u64 = 1;
const HEIGHT: u64 = 10;
const ME: ConsensusAddress = [1; 20];
const OTHER: ConsensusAddress = [2; 20];
const STRANGER: ConsensusAddress = [3; 20];
const SEED: Hash = [9; 32];

/// Every node's transport key, and the session's, by the first byte of its address.
fn key(whose: u8) -> SigningKey {
    SigningKey::from_bytes(&[whose; 32])
}

fn session_key() -> SigningKey {
    key(100)
}

/// A session of which `hosts` serve request after request, all nodes registered.
fn state(hosts: &[ConsensusAddress]) -> State {
    let mut state = State::empty();
    let now = Epoch {
        number: 1,
        ..Epoch::default()
    };
    Item::<Epoch>::new(epoch::STORE, "current").put(&mut state, &now);
    let session = Session {
        id: ID,
        model_id: "tiny".into(),
        escrow: "1000000".into(),
        spent: "0".into(),
        ceiling: "10000".into(),
        session_key: session_key().verifying_key().to_bytes().to_vec(),
        expiry_height: 1_000,
        status: SessionStatus::Active.into(),
        max_index: 100,
        pinned_epoch: 1,
        ..Session::default()
    };
    Map::<u64, Session>::new(session::STORE, "session").put(&mut state, &ID, &session);
    let pin = SessionPin {
        session_id: ID,
        epoch: 1,
        seed: SEED.to_vec(),
        price_per_unit: "1".into(),
        units_per_token: 1,
        hosts: hosts
            .iter()
            .map(|address| PinnedHost {
                address: address.to_vec(),
                weight: 1,
            })
            .collect(),
        ..SessionPin::default()
    };
    Map::<(u64, u64), SessionPin>::new(session::STORE, "pin").put(&mut state, &(1, ID), &pin);
    for address in [ME, OTHER, STRANGER] {
        let node = Node {
            address: address.to_vec(),
            keys: Some(NodeKeys {
                transport: key(address[0]).verifying_key().to_bytes().to_vec(),
                ..NodeKeys::default()
            }),
            ..Node::default()
        };
        Map::<ConsensusAddress, Node>::new(node::STORE, "node").put(&mut state, &address, &node);
    }
    state
}

/// The node of [`ME`], without a model.
fn service(home: &Path, hosts: &[ConsensusAddress], models: Vec<std::path::PathBuf>) -> Service {
    let view = View {
        state: state(hosts),
        height: HEIGHT,
        time_ms: 0,
    };
    let config = config::Inference {
        models,
        threads: 1,
        ..config::Inference::default()
    };
    Service {
        chain_id: CHAIN.into(),
        address: ME,
        transport: key(ME[0]),
        latest: Latest::new(view).1,
        host: Host::new(home, config, None, Preempt::default()).unwrap(),
        tasks: Arc::new(Tasks::open(home).unwrap()),
        kept: Arc::new(Kept::open(home).unwrap()),
        running: Running::default(),
        peers: Peers::default(),
        metrics: Work::default(),
    }
}

/// The same with a tiny model, whose text is split as that of the model family `pre`.
fn hosting(home: &Path, pre: &str) -> Service {
    let file = home.join("tiny.gguf");
    std::fs::write(&file, fixture::tiny_gguf_split_as(1, pre)).unwrap();
    let digest = crate::serving::host::digest(&file).unwrap();
    let service = service(home, &[ME, OTHER], vec![file]);
    service.host.follow(&[Model {
        id: "tiny".into(),
        weights_digest: digest.to_vec(),
        numeric_format: "Q8_0".into(),
        context_length: 512,
        thresholds: Some(Thresholds {
            top_k: 20,
            margin_limit: 5_000,
            classes: vec![LengthClass {
                min_length: 1,
                max_mean_distance: 1_000,
                max_mean_margin: 1_000,
                max_violations_millis: 100,
                max_margin: 0,
            }],
        }),
        ..Model::default()
    }]);
    while service.host.get("tiny").is_none() {
        std::thread::yield_now();
    }
    service
}

fn body(prompt: &str) -> pb::RequestBody {
    pb::RequestBody {
        model_id: "tiny".into(),
        prompt: prompt.into(),
        max_tokens: 4,
        ..pb::RequestBody::default()
    }
}

fn request(index: u64, body: &pb::RequestBody) -> pb::GenerateRequest {
    let encoded = body.encode_to_vec();
    let terms = RequestTerms {
        session: ID,
        index: index as u32,
        attempt: 0,
        request_hash: race_verification::artifact::request_hash(CHAIN, &encoded),
        max_tokens: body.max_tokens,
        max_fee: 10_000,
        expiry_height: 100,
    };
    let signed = record::request_sign_bytes(CHAIN, &terms);
    pb::GenerateRequest {
        session_id: ID,
        index,
        attempt: 0,
        max_fee: "10000".into(),
        expiry_height: 100,
        body: encoded,
        signature: session_key().sign(&signed).to_bytes().to_vec(),
    }
}

/// The indices that fall to an executor, in order.
fn indices(service: &Service, executor: ConsensusAddress) -> impl Iterator<Item = u64> {
    let view = service.latest.view();
    let pin = session::pin(&view.state, 1, ID).unwrap();
    (0..100).filter(move |index| session::executor(&pin, *index, 0) == Some(executor))
}

async fn ask(service: &Service, request: pb::GenerateRequest) -> Result<pb::Finished, Status> {
    let mut events = service.generate(Request::new(request)).await?.into_inner();
    let mut last = None;
    // To its end: the request is being answered until then.
    while let Some(event) = events.next().await {
        last = event?.event;
    }
    match last {
        Some(Event::Finished(end)) => Ok(end),
        other => panic!("the answer ends with {other:?}"),
    }
}

async fn acknowledge(
    service: &Service,
    index: u64,
    end: &pb::Finished,
    executor: &ConsensusAddress,
    key: &SigningKey,
) -> Result<(), Status> {
    let message = record::acknowledgement(
        CHAIN,
        ID,
        index as u32,
        end.prompt_tokens,
        end.output_tokens,
        &end.digest.as_slice().try_into().unwrap(),
        executor,
    );
    let request = pb::AcknowledgeRequest {
        session_id: ID,
        index,
        attempt: 0,
        acknowledgement: key.sign(&message).to_bytes().to_vec(),
        prompt_tokens: end.prompt_tokens,
        output_tokens: end.output_tokens,
        digest: end.digest.clone(),
    };
    service.acknowledge(Request::new(request)).await.map(drop)
}

async fn artifacts(
    service: &Service,
    index: u64,
    asker: &ConsensusAddress,
) -> Result<pb::ArtifactsResponse, Status> {
    let request = access::request(CHAIN, (ID, index), HEIGHT, asker, &key(asker[0]));
    let served = service.artifacts(Request::new(request)).await?;
    Ok(served.into_inner())
}

#[tokio::test]
async fn an_acknowledged_answer_passes_its_check_and_a_stranger_is_not_served_the_prompt() {
    let home = tempfile::tempdir().unwrap();
    let service = hosting(home.path(), "gpt-2");
    let index = indices(&service, ME).next().unwrap();
    let request = request(index, &body("the light of the world"));
    let end = ask(&service, request.clone()).await.unwrap();
    assert_eq!(end.stop_reason, "length");
    // Asked again, the same answer comes from the disk.
    assert_eq!(ask(&service, request).await.unwrap(), end);

    let early = artifacts(&service, index, &OTHER).await.unwrap_err();
    assert_eq!(early.code(), Code::NotFound, "not acknowledged yet");
    acknowledge(&service, index, &end, &ME, &session_key())
        .await
        .unwrap();
    let stranger = artifacts(&service, index, &STRANGER).await.unwrap_err();
    assert_eq!(stranger.code(), Code::PermissionDenied);
    let served = artifacts(&service, index, &OTHER).await.unwrap();

    let hosted = service.host.get("tiny").unwrap();
    let place = Place {
        chain_id: CHAIN,
        session: ID,
        index: index as u32,
        seed: SEED,
    };
    let settled = Settled {
        digest: &end.digest,
        prompt_tokens: end.prompt_tokens,
        output_tokens: end.output_tokens,
        format: "Q8_0",
        thresholds: &hosted.thresholds,
    };
    let (verdict, _) = answer::check(&place, hosted.model.as_ref(), settled, &served).unwrap();
    assert_eq!(verdict, Verdict::Pass);
}

/// Serves on a port of its own; gives `host:port`.
async fn served(service: Service) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = pb::inference_server::InferenceServer::new(service);
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    address
}

#[tokio::test]
async fn a_client_asks_any_node_and_acknowledges_the_drawn_executors_answer() {
    let home = tempfile::tempdir().unwrap();
    let executor = hosting(home.path(), "gpt-2");
    let endpoint = served(executor.clone()).await;
    // Another node, whose chain says where the executor is.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut state = state(&[ME, OTHER]);
    let mut at = node::get(&state, &ME).unwrap();
    at.endpoints = Some(Endpoints {
        grpc: endpoint,
        ..Endpoints::default()
    });
    Map::<ConsensusAddress, Node>::new(node::STORE, "node").put(&mut state, &ME, &at);
    let view = View {
        state,
        height: HEIGHT,
        time_ms: 0,
    };
    let entry = Service {
        address: OTHER,
        latest: Latest::new(view).1,
        ..service(elsewhere.path(), &[], Vec::new())
    };
    let entry = served(entry).await;

    let index = indices(&executor, ME).next().unwrap();
    let drawn = Drawn {
        executor: ME,
        grpc: entry.clone(),
        transport: key(ME[0]).verifying_key(),
        per_token: 1,
        ceiling: 10_000,
    };
    let ask = Ask {
        chain_id: CHAIN,
        session: ID,
        index,
        attempt: 0,
        drawn: &drawn,
        body: body("the light of the world"),
        max_fee: 10_000,
        expiry_height: 100,
        key: &session_key(),
    };
    let mut shown = String::new();
    let asked = ask
        .run(&entry, &mut |text| shown.push_str(text))
        .await
        .unwrap();
    assert_eq!(asked.unacknowledged, None);
    assert_eq!(asked.text, shown);
    let kept = executor.tasks.entry(ID, index as u32).unwrap();
    assert!(kept.is_acknowledged());
    assert_eq!(kept.digest, asked.finished.digest);
}

#[tokio::test]
async fn a_session_that_acknowledges_nothing_gets_four_answers() {
    let home = tempfile::tempdir().unwrap();
    let service = hosting(home.path(), "gpt-2");
    let mine: Vec<u64> = indices(&service, ME).take(5).collect();
    let mut first = None;
    for index in &mine[..4] {
        let end = ask(&service, request(*index, &body("light")))
            .await
            .unwrap();
        first.get_or_insert(end);
    }
    let fifth = request(mine[4], &body("light"));
    let refused = ask(&service, fifth.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let named = format!("index {} again", mine[0]);
    assert!(refused.message().contains(&named), "{refused}");
    acknowledge(&service, mine[0], &first.unwrap(), &ME, &session_key())
        .await
        .unwrap();
    assert!(ask(&service, fifth).await.is_ok());
}

#[tokio::test]
async fn an_acknowledgement_that_is_known_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let service = hosting(home.path(), "gpt-2");
    let index = indices(&service, ME).next().unwrap();
    let end = ask(&service, request(index, &body("light"))).await.unwrap();
    acknowledge(&service, index, &end, &ME, &session_key())
        .await
        .unwrap();
    let file = home.path().join(format!("data/tasks/{ID}-{index}.json"));
    std::fs::remove_file(&file).unwrap();
    acknowledge(&service, index, &end, &ME, &session_key())
        .await
        .unwrap();
    assert!(!file.exists());
    let forged = acknowledge(&service, index, &end, &ME, &key(5)).await;
    assert_eq!(forged.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_acknowledgement_is_verified_before_it_is_passed_on() {
    let home = tempfile::tempdir().unwrap();
    let service = service(home.path(), &[ME, OTHER], Vec::new());
    let index = indices(&service, OTHER).next().unwrap();
    let end = pb::Finished {
        prompt_tokens: 3,
        output_tokens: 4,
        digest: vec![8; 32],
        ..pb::Finished::default()
    };
    let forged = acknowledge(&service, index, &end, &OTHER, &key(5)).await;
    assert_eq!(forged.unwrap_err().code(), Code::Unauthenticated);
    // A true one gets as far as the executor, which has no endpoint.
    let signed = acknowledge(&service, index, &end, &OTHER, &session_key()).await;
    assert_eq!(signed.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_request_to_the_first_executor_is_not_answered_by_the_second() {
    let home = tempfile::tempdir().unwrap();
    let service = service(home.path(), &[ME], Vec::new());
    let mut moved = request(0, &body("light"));
    moved.attempt = 1;
    let refused = ask(&service, moved).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_body_that_encodes_to_other_bytes_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let service = service(home.path(), &[ME], Vec::new());
    let mut padded = request(0, &body("light"));
    // A field of no body: number 15, a varint.
    padded.body.extend([0x78, 1]);
    let refused = ask(&service, padded).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("canonical"), "{refused}");
}

#[tokio::test]
async fn a_prompt_of_one_endless_word_is_refused_and_the_node_lives() {
    let home = tempfile::tempdir().unwrap();
    // A family whose words llama.cpp finds by a regular expression that recurses.
    let service = hosting(home.path(), "gpt-4o");
    let mut mine = indices(&service, ME);
    let endless = body(&"a".repeat(answer::MAX_BODY_BYTES - 100));
    let refused = ask(&service, request(mine.next().unwrap(), &endless)).await;
    assert!(refused.is_err());
    let next = request(mine.next().unwrap(), &body("light"));
    assert!(ask(&service, next).await.is_ok());
}

#[tokio::test]
async fn a_client_that_leaves_while_its_request_waits_cancels_it() {
    let (sender, receiver) = mpsc::channel::<()>(1);
    let cancel = CancelFlag::new();
    let _watch = cancel_when_left(&sender, &cancel);
    drop(receiver);
    while !cancel.is_cancelled() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_request_is_passed_on_once() {
    assert!(forward((), false).is_ok());
    let again = forward((), true).map(drop).unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
}
