//! Transactions on their way in: over REST, gRPC and CometBFT's RPC.

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use race_app::testing::{Signing, Wallet};
use race_proto::cosmos::tx::signing::v1beta1::SignMode;
use race_proto::cosmos::tx::v1beta1::{
    BroadcastMode, BroadcastTxRequest, BroadcastTxResponse, SimulateRequest, SimulateResponse,
};
use raced::comet::rpc::RpcClient;
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Request, Status};

use super::transactions::RESPONSE;
use super::world::{answer, has, is_refusal, World};

const BROADCAST: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";
const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";
/// Above what CometBFT's mempool takes, below what a request may have.
const TOO_LARGE: usize = (1 << 20) + 1;

/// What gRPC answers to a broadcast: code, codespace and log.
async fn over_grpc(
    world: &World,
    tx: &[u8],
    mode: BroadcastMode,
) -> Result<(u32, String, String), Status> {
    let request = BroadcastTxRequest {
        tx_bytes: tx.to_vec(),
        mode: mode.into(),
    };
    let answer = world.call(BROADCAST, Request::new(request)).await?;
    let answer: BroadcastTxResponse = answer.into_inner();
    let response = answer.tx_response.unwrap();
    assert_eq!(response.txhash, hex::encode_upper(Sha256::digest(tx)));
    assert_eq!((response.height, response.gas_used), (0, 0));
    Ok((response.code, response.codespace, response.raw_log))
}

/// The same of REST.
async fn over_rest(world: &World, tx: &[u8]) -> (u32, String, String) {
    let response = world.broadcast(tx).await;
    has(&response, RESPONSE);
    assert_eq!(
        (&response["height"], &response["gas_used"]),
        (&json!("0"), &json!("0"))
    );
    assert_eq!(
        (&response["tx"], &response["events"]),
        (&Value::Null, &json!([]))
    );
    let text = |name: &str| response[name].as_str().unwrap().to_owned();
    let code = u32::try_from(response["code"].as_u64().unwrap()).unwrap();
    (code, text("codespace"), text("raw_log"))
}

pub async fn what_check_tx_refuses_has_its_code_on_every_way_in(world: &mut World) {
    let rpc = RpcClient::new(&world.node.rpc).unwrap();
    let (payer, stranger) = (world.payer.clone(), Wallet::named("stranger"));
    let direct = world.signing(SignMode::Direct);
    let (number, sequence, chain) = (direct.number, direct.sequence, world.chain_id.clone());
    let amino = world.signing(SignMode::LegacyAminoJson);
    let pay = || vec![payer.pays(&payer, 1)];
    let cases = [
        (
            4,
            payer.sign(pay(), &Signing { chain_id: "another".into(), ..direct.clone() }),
            format!("signature verification failed; please verify account number ({number}) and chain-id ({chain}): (unable to verify single signer signature): unauthorized"),
        ),
        (
            4,
            payer.sign(pay(), &Signing { chain_id: "another".into(), ..amino.clone() }),
            format!("signature verification failed; please verify account number ({number}), sequence ({sequence}) and chain-id ({chain}): unauthorized"),
        ),
        (
            32,
            payer.sign(pay(), &Signing { sequence: sequence + 9, ..direct.clone() }),
            format!("account sequence mismatch, expected {sequence}, got {}: incorrect account sequence", sequence + 9),
        ),
        (
            9,
            stranger.sign(vec![stranger.pays(&payer, 1)], &Signing { number: 0, sequence: 0, ..direct.clone() }),
            format!("fee payer address: {} does not exist: unknown address", stranger.address()),
        ),
        (
            13,
            payer.sign(pay(), &Signing { fee: 1, ..direct.clone() }),
            "insufficient fees; got: 1nicoin required: 2000nicoin: insufficient fee".to_owned(),
        ),
        (
            18,
            payer.sign(Vec::new(), &direct),
            "must contain at least one message: invalid request".to_owned(),
        ),
    ];
    for (code, tx, log) in cases {
        let expected = (code, "sdk".to_owned(), log);
        assert_eq!(over_rest(world, &tx).await, expected);
        let told = over_grpc(world, &tx, BroadcastMode::Sync).await.unwrap();
        assert_eq!(told, expected);
        let told = rpc.broadcast_tx_sync(&tx).await.unwrap();
        assert_eq!((told.code, told.codespace, told.log), expected);
    }
    // What was refused left the sequence as it was, and the same account may sign amino JSON.
    let tx = payer.sign(pay(), &amino);
    world.sequence += 1;
    assert_eq!(over_rest(world, &tx).await.0, 0);

    let large = vec![0; TOO_LARGE];
    let expected = (21, "sdk".to_owned(), String::new());
    let told = over_grpc(world, &large, BroadcastMode::Sync).await.unwrap();
    assert_eq!(
        (told, over_rest(world, &large).await),
        (expected.clone(), expected)
    );
    for mode in [BroadcastMode::Block, BroadcastMode::Unspecified] {
        let refused = over_grpc(world, b"tx", mode).await.unwrap_err();
        let log = "unsupported return type unspecified; supported types: sync, async";
        assert_eq!((refused.code(), refused.message()), (Code::Unknown, log));
    }
}

pub async fn bytes_that_the_mempool_has_are_code_19(world: &mut World) {
    let message = world.payer.pays(&world.payer, 1);
    let tx = world.sign(vec![message]);
    assert_eq!(over_rest(world, &tx).await.0, 0);
    let expected = (19, "sdk".to_owned(), String::new());
    assert_eq!(over_rest(world, &tx).await, expected);
    let told = over_grpc(world, &tx, BroadcastMode::Sync).await.unwrap();
    assert_eq!(told, expected);
    let rpc = RpcClient::new(&world.node.rpc).unwrap();
    let error = rpc.broadcast_tx_sync(&tx).await.unwrap_err().to_string();
    assert!(error.contains("tx already exists in cache"), "{error}");
}

pub async fn three_that_follow_each_other_all_get_in(world: &mut World) {
    let message = world.payer.pays(&world.payer, 1);
    let txs: Vec<_> = (0..3).map(|_| world.sign(vec![message.clone()])).collect();
    for tx in &txs {
        assert_eq!(over_rest(world, tx).await.0, 0);
    }
    for tx in &txs {
        let path = format!("/cosmos/tx/v1beta1/txs/{}", hex::encode(Sha256::digest(tx)));
        world
            .until("it is in a block", || async {
                world.get(&path).await.json["tx_response"]["code"] == 0
            })
            .await;
    }
}

pub async fn a_simulation_that_fails_says_why(world: &World) {
    let (payer, signing) = (&world.payer, world.signing(SignMode::Direct));
    let ahead = Signing {
        sequence: world.sequence + 5,
        ..signing.clone()
    };
    let cases = [
        (
            payer.sign(vec![payer.pays(payer, 1)], &ahead),
            format!(
                "account sequence mismatch, expected {}, got {}: incorrect account sequence",
                world.sequence, ahead.sequence
            ),
        ),
        (
            payer.sign(vec![payer.pays(payer, u128::MAX)], &signing),
            "failed to execute message; message index: 0: ".to_owned(),
        ),
    ];
    for (tx, log) in cases {
        let body = json!({ "tx_bytes": BASE64.encode(&tx) });
        let refused = answer(world.post("/cosmos/tx/v1beta1/simulate").json(&body)).await;
        let message = is_refusal(&refused, 500, 2);
        assert!(message.starts_with(&log), "{message}");
        #[allow(deprecated)]
        let request = SimulateRequest {
            tx: None,
            tx_bytes: tx,
        };
        let refused = world.call::<_, SimulateResponse>(SIMULATE, Request::new(request));
        let refused = refused.await.unwrap_err();
        assert_eq!(refused.code(), Code::Unknown);
        assert!(refused.message().starts_with(&log), "{}", refused.message());
    }
}
