//! What is too large, too deep or of the wrong kind, on each way in. Slow clients are those of the unit tests of
//! REST's and gRPC's listeners.

use prost::Message;
use race_proto::cosmos::tx::v1beta1::{BroadcastTxRequest, BroadcastTxResponse};
use reqwest::header::CONTENT_TYPE;
use tonic::{Code, Request};

use super::world::{answer, is_refusal, World};

const DECODE: &str = "/cosmos/tx/v1beta1/decode";
const BROADCAST: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";

/// What does not decode: the first field is of another kind than that of a broadcast.
#[derive(Clone, PartialEq, Message)]
struct Other {
    #[prost(fixed32, tag = "1")]
    number: u32,
}

pub async fn is_refused_in_the_documented_shape(world: &World) {
    let height = world.height().await;
    // A client that is still sending may find the connection closed before it reads the refusal, whose shape the
    // unit tests of REST show.
    let large = world.post(DECODE).body(vec![b' '; 3 << 20]).send().await;
    assert!(large.is_err() || large.is_ok_and(|refused| refused.status() == 413));
    for body in [
        "[".repeat(1 << 20),
        "{\"tx\":".repeat(1 << 17),
        "\u{0}".into(),
        "7".into(),
    ] {
        is_refusal(&answer(world.post(DECODE).body(body)).await, 400, 3);
    }
    for kind in ["text/html", "application/grpc", "multipart/form-data"] {
        let request = world
            .post(DECODE)
            .header(CONTENT_TYPE, kind)
            .body("tx_bytes=AQI=");
        is_refusal(&answer(request).await, 400, 3);
    }
    let long = format!("/cosmos/bank/v1beta1/balances/{}", "a".repeat(20_000));
    is_refusal(&world.get(&long).await, 400, 3);
    for escape in ["%ff", "%zz", "%00"] {
        let refused = world
            .get(&format!("/cosmos/auth/v1beta1/accounts/{escape}"))
            .await;
        assert!(
            [400, 500, 501].contains(&refused.status),
            "{}",
            refused.json
        );
    }

    // gRPC: above what a message may have, and a message of another kind.
    let request = BroadcastTxRequest {
        tx_bytes: vec![0; 5 << 20],
        mode: 2,
    };
    let refused = world.call::<_, BroadcastTxResponse>(BROADCAST, Request::new(request));
    assert_eq!(refused.await.unwrap_err().code(), Code::OutOfRange);
    let request = Request::new(Other { number: 1 });
    let refused = world
        .call::<_, BroadcastTxResponse>(BROADCAST, request)
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    let http = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let grpc = format!("http://{}{BROADCAST}", world.node.grpc);
    let odd = http
        .post(&grpc)
        .header(CONTENT_TYPE, "text/plain")
        .body("garbage")
        .send();
    let odd = odd.await.unwrap();
    assert!(
        odd.status() != 200 || odd.headers().contains_key("grpc-status"),
        "{odd:?}"
    );

    // CometBFT's RPC: more than it takes, and JSON that is deeper than it reads.
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    for body in ["[".repeat(1 << 20), " ".repeat(5 << 20)] {
        // It may hang up before it has read all of what it refuses.
        if let Ok(answer) = plain.post(&world.node.rpc).body(body).send().await {
            assert!(answer.status().is_client_error() || answer.status().is_server_error());
        }
    }
    world
        .until("the chain goes on", || async {
            world.height().await > height
        })
        .await;
}
