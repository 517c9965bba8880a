//! gRPC: heights in metadata, and the status of each error.

use prost::Message;
use race_app::testing::Wallet;
use race_proto::cosmos::auth::v1beta1::{QueryAccountRequest, QueryAccountResponse};
use race_proto::cosmos::bank::v1beta1::{
    QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
    QueryDenomMetadataRequest, QueryDenomMetadataResponse,
};
use race_proto::cosmos::base::tendermint::v1beta1 as base;
use race_proto::cosmos::tx::v1beta1::{
    BroadcastTxRequest, BroadcastTxResponse, GetTxRequest, GetTxResponse, SimulateRequest,
    SimulateResponse,
};
use tonic::{Code, Request};

use super::world::World;

const HEIGHT: &str = "x-cosmos-block-height";
const BALANCE: &str = "/cosmos.bank.v1beta1.Query/Balance";
const SYNCING: &str = "/cosmos.base.tendermint.v1beta1.Service/GetSyncing";

pub async fn heights_are_read_told_and_refused(world: &World) {
    let ask = |height: &str| {
        let mut request = Request::new(QueryBalanceRequest {
            address: world.payer.address(),
            denom: "nicoin".into(),
        });
        let metadata = request.metadata_mut();
        metadata.insert(HEIGHT, height.parse().unwrap());
        world.call::<_, QueryBalanceResponse>(BALANCE, request)
    };
    let past = ask("1").await.unwrap();
    assert_eq!(past.metadata().get(HEIGHT).unwrap(), "1");
    // The payer has its coins from a later block.
    assert_eq!(past.into_inner().balance.unwrap().amount, "0");
    let latest = ask("0").await.unwrap();
    let told = latest.metadata().get(HEIGHT).unwrap().to_str().unwrap();
    assert!(told.parse::<u64>().unwrap() > 1);
    assert_ne!(latest.into_inner().balance.unwrap().amount, "0");
    for (height, code) in [("99999999", 26), ("-1", 18), ("soon", 18)] {
        let refused = ask(height).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unknown);
        let start = format!("codespace sdk code {code}: ");
        assert!(refused.message().starts_with(&start), "{refused}");
    }
    // So is what CometBFT answers.
    let mut request = Request::new(base::GetSyncingRequest {});
    let future = "99999999".parse().unwrap();
    request.metadata_mut().insert(HEIGHT, future);
    let refused = world.call::<_, base::GetSyncingResponse>(SYNCING, request);
    let message = refused.await.unwrap_err().message().to_owned();
    assert!(message.starts_with("codespace sdk code 26: "), "{message}");
}

/// That a call is refused with this code and a message that begins so; errors have no details.
async fn refused<A: Message + Default + Send + Sync + 'static>(
    world: &World,
    path: &str,
    request: impl Message + 'static,
    code: Code,
    message: &str,
) {
    let answer = world.call::<_, A>(path, Request::new(request)).await;
    let status = answer.expect_err(path);
    assert_eq!(status.code(), code, "{path}: {status}");
    assert!(status.message().starts_with(message), "{path}: {status}");
    assert!(status.details().is_empty(), "{path}");
}

#[allow(deprecated)] // the older field of a simulation is part of its request
pub async fn errors_have_the_status_of_the_sdk(world: &World) {
    use Code::{InvalidArgument, NotFound, Unknown};
    const ACCOUNT: &str = "/cosmos.auth.v1beta1.Query/Account";
    const TX: &str = "/cosmos.tx.v1beta1.Service/GetTx";
    let nobody = Wallet::named("nobody").address();
    for (address, code, message) in [
        (
            nobody.as_str(),
            NotFound,
            format!("account {nobody} not found"),
        ),
        (
            "garbage",
            Unknown,
            "decoding bech32 failed: invalid bech32 string length 7".into(),
        ),
        ("", InvalidArgument, "Address cannot be empty".into()),
    ] {
        let request = QueryAccountRequest {
            address: address.into(),
        };
        refused::<QueryAccountResponse>(world, ACCOUNT, request, code, &message).await;
    }
    let path = "/cosmos.bank.v1beta1.Query/AllBalances";
    let request = QueryAllBalancesRequest {
        address: "garbage".into(),
        ..Default::default()
    };
    let message = "invalid address: decoding bech32 failed: ";
    refused::<QueryAllBalancesResponse>(world, path, request, InvalidArgument, message).await;
    let request = QueryBalanceRequest {
        address: nobody,
        denom: String::new(),
    };
    refused::<QueryBalanceResponse>(world, BALANCE, request, InvalidArgument, "invalid denom: ")
        .await;
    let path = "/cosmos.bank.v1beta1.Query/DenomMetadata";
    let request = QueryDenomMetadataRequest {
        denom: "foo".into(),
    };
    let message = "client metadata for denom foo";
    refused::<QueryDenomMetadataResponse>(world, path, request, NotFound, message).await;

    let hash = "AB".repeat(32);
    for (hash, code, message) in [
        (hash.as_str(), NotFound, format!("tx not found: {hash}")),
        ("", InvalidArgument, "tx hash cannot be empty".into()),
        ("soon", Unknown, String::new()),
    ] {
        let request = GetTxRequest { hash: hash.into() };
        refused::<GetTxResponse>(world, TX, request, code, &message).await;
    }
    let path = "/cosmos.tx.v1beta1.Service/BroadcastTx";
    let request = BroadcastTxRequest::default();
    refused::<BroadcastTxResponse>(world, path, request, InvalidArgument, "invalid empty tx").await;
    let path = "/cosmos.tx.v1beta1.Service/Simulate";
    let request = SimulateRequest::default();
    let message = "empty txBytes is not allowed";
    refused::<SimulateResponse>(world, path, request, InvalidArgument, message).await;
    let path = "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight";
    let request = base::GetBlockByHeightRequest { height: 99_999_999 };
    let message = "requested block height is bigger then the chain length";
    refused::<base::GetBlockByHeightResponse>(world, path, request, InvalidArgument, message).await;
    let path = "/cosmos.bank.v1beta1.Query/NoSuch";
    refused::<()>(world, path, (), Code::Unimplemented, "").await;
}
