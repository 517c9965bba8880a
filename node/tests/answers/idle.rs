//! A thousand websockets that say nothing, at CometBFT's RPC and at REST. Both have a bound; what the node itself
//! asks of CometBFT goes over a socket of its own, so that it does not wait among them.

use std::future::Future;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::StreamExt as _;
use race_proto::cosmos::base::tendermint::v1beta1 as base;
use raced::comet::rpc::RpcClient;
use rustix::process::{getrlimit, setrlimit, Resource};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tonic::Request;

use super::socket::{open, Socket};
use super::world::{World, LIMIT};

const WEBSOCKETS: usize = 1_000;
/// `max_open_connections` of CometBFT's RPC as the node writes it.
const OF_RPC: usize = 900;
/// Sockets of the explorer's page.
const OF_REST: usize = 256;

/// Opens them all at once, until as many as may be are open or nothing happens any more: those that are, and those
/// that still wait.
async fn hold<'a>(
    url: &'a str,
    path: &'a str,
    most: usize,
) -> (
    Vec<Socket>,
    FuturesUnordered<impl Future<Output = Result<Socket, Error>> + 'a>,
) {
    let mut opening: FuturesUnordered<_> = (0..WEBSOCKETS).map(|_| open(url, path)).collect();
    let mut held = Vec::new();
    while held.len() < most {
        match timeout(LIMIT, opening.next()).await {
            Ok(Some(opened)) => held.extend(opened.ok()),
            Ok(None) | Err(_) => break,
        }
    }
    (held, opening)
}

/// REST and gRPC answer out of the state machine and out of CometBFT, and a transaction gets into a block.
async fn others_are_served(world: &mut World) {
    let height = world.height().await;
    let path = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock";
    let request = Request::new(base::GetLatestBlockRequest {});
    let block = world.call::<_, base::GetLatestBlockResponse>(path, request);
    assert!(block.await.unwrap().into_inner().block_id.is_some());
    world.found("/cosmos/bank/v1beta1/supply").await;
    world.send(vec![world.payer.pays(&world.payer, 1)]).await;
    assert!(world.height().await > height);
}

pub async fn a_thousand_websockets_keep_nobody_from_an_answer(world: &mut World) {
    // This process has one end of each.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();

    let url = world.node.rpc.clone();
    let (mut held, waiting) = hold(&url, "/websocket", OF_RPC).await;
    assert!(
        held.len() <= OF_RPC && held.len() > OF_RPC - 50,
        "{}",
        held.len()
    );
    // Who comes to the full port waits until others leave it.
    let rpc = RpcClient::new(&world.node.rpc).unwrap();
    let refused = timeout(Duration::from_secs(1), rpc.status()).await;
    assert!(refused.is_err(), "{refused:?}");
    others_are_served(world).await;
    held.truncate(OF_RPC / 2);
    rpc.status().await.unwrap();
    drop((held, waiting));

    let url = world.node.rest.clone();
    let (held, _refused) = hold(&url, "/explorer/live", OF_REST).await;
    // So many requests at once are above what one address may make; a moment later it may ask again.
    let status = "/cosmos/base/node/v1beta1/status";
    world
        .until("the address may ask again", || async {
            world.get(status).await.status == 200
        })
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        held.len() <= OF_REST && held.len() > OF_REST / 2,
        "{}",
        held.len()
    );
    others_are_served(world).await;
}
