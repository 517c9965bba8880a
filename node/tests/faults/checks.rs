//! What must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine as _;
use prost::Message;
use race_proto::cosmos::bank::v1beta1::{
    QueryDenomOwnersRequest, QueryDenomOwnersResponse, QueryTotalSupplyRequest,
    QueryTotalSupplyResponse,
};
use race_proto::cosmos::base::query::v1beta1::PageRequest;
use race_proto::cosmos::base::v1beta1::Coin;
use race_proto::race::treasury::v1::{QueryIssuanceRequest, QueryIssuanceResponse};
use raced::client::{ChainClient, ClientError};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

use super::load::Acknowledged;

/// Blocks in one answer of CometBFT's `blockchain`.
const PAGE: u64 = 20;

/// The hash of a block and the app hash in it.
type Hashes = (String, String);

/// The history that all nodes have, as far as it was compared, and what was minted so far.
#[derive(Default)]
pub struct History {
    /// Up to this height all nodes have the same.
    pub height: u64,
    supply_at_genesis: Option<u128>,
}

impl History {
    /// Every node has the same block and the same app hash at every height that all of them have.
    pub async fn is_one(&mut self, nodes: &[&ChainClient]) {
        let mut common = u64::MAX;
        for node in nodes {
            common = common.min(node.height().await.unwrap());
        }
        while self.height < common {
            let last = common.min(self.height + PAGE);
            let first = hashes(nodes[0], self.height + 1, last).await;
            for node in &nodes[1..] {
                let other = hashes(node, self.height + 1, last).await;
                assert_eq!(first, other, "{} and another node", node.rpc().url());
            }
            self.height = last;
        }
        for node in nodes {
            is_the_state_of_the_chain(node, nodes[0]).await;
        }
    }

    /// Every coin is in an account, and none came or went but by the treasury.
    pub async fn has_an_exact_supply(&mut self, node: &ChainClient) {
        let height = Some(node.height().await.unwrap() - 1);
        let ask = Asked { node, height };
        let page = PageRequest {
            limit: 1_000,
            ..PageRequest::default()
        };
        let owners: QueryDenomOwnersResponse = ask
            .query(
                "/cosmos.bank.v1beta1.Query/DenomOwners",
                &QueryDenomOwnersRequest {
                    denom: race_app::coin::DENOM.into(),
                    pagination: Some(page),
                },
            )
            .await;
        assert!(owners.pagination.unwrap().next_key.is_empty());
        let balances = owners.denom_owners.iter().map(|o| amount(&o.balance));
        let supply: QueryTotalSupplyResponse = ask
            .query(
                "/cosmos.bank.v1beta1.Query/TotalSupply",
                &QueryTotalSupplyRequest::default(),
            )
            .await;
        let supply = amount(&supply.supply.into_iter().next());
        assert_eq!(balances.sum::<u128>(), supply, "the sum of all balances");
        let issuance: QueryIssuanceResponse = ask
            .query(
                "/race.treasury.v1.Query/Issuance",
                &QueryIssuanceRequest::default(),
            )
            .await;
        let issuance = issuance.issuance.unwrap();
        let total = |text: String| -> u128 { text.parse().unwrap() };
        let (minted, burned) = (total(issuance.minted), total(issuance.burned));
        let at_genesis = supply + burned - minted;
        let before = *self.supply_at_genesis.get_or_insert(at_genesis);
        assert_eq!(at_genesis, before, "coins that nobody minted or burned");
    }
}

struct Asked<'a> {
    node: &'a ChainClient,
    height: Option<u64>,
}

impl Asked<'_> {
    async fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> A {
        let bytes = request.encode_to_vec();
        let answer: Result<Vec<u8>, ClientError> = self.node.query(path, &bytes, self.height).await;
        A::decode(answer.unwrap().as_slice()).unwrap()
    }
}

fn amount(coin: &Option<Coin>) -> u128 {
    coin.as_ref().map_or(0, |coin| coin.amount.parse().unwrap())
}

async fn hashes(node: &ChainClient, first: u64, last: u64) -> BTreeMap<u64, Hashes> {
    let range = json!({"minHeight": first.to_string(), "maxHeight": last.to_string()});
    let answer: Value = node.rpc().call("blockchain", range).await.unwrap();
    let metas = answer["block_metas"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all: BTreeMap<u64, Hashes> = metas
        .iter()
        .map(|meta| {
            let height = text(&meta["header"]["height"]).parse().unwrap();
            let hashes = (
                text(&meta["block_id"]["hash"]),
                text(&meta["header"]["app_hash"]),
            );
            (height, hashes)
        })
        .collect();
    assert!(
        all.keys().copied().eq(first..=last),
        "{}: blocks {first} to {last}: {all:?}",
        node.rpc().url()
    );
    all
}

/// What a node's state machine says of itself is in the header after it.
async fn is_the_state_of_the_chain(node: &ChainClient, other: &ChainClient) {
    let told: Value = node.rpc().call("abci_info", json!({})).await.unwrap();
    let told = &told["response"];
    let height: u64 = told["last_block_height"].as_str().unwrap().parse().unwrap();
    let hash = BASE64
        .decode(told["last_block_app_hash"].as_str().unwrap())
        .unwrap();
    let limit = super::PROGRESS_LIMIT;
    other.wait_for_height(height + 1, limit).await.unwrap();
    let next = other.rpc().block(Some(height + 1)).await.unwrap();
    assert_eq!(
        hex::encode_upper(hash),
        next.block.header.app_hash,
        "the state of {} at height {height}",
        node.rpc().url()
    );
}

/// Every acknowledged transaction is in the block that was named. All nodes have the same blocks, so one
/// is asked.
pub async fn acknowledged_is_in_the_chain(node: &ChainClient, acknowledged: &[Acknowledged]) {
    let mut by_height: BTreeMap<u64, BTreeSet<&String>> = BTreeMap::new();
    for (hash, height) in acknowledged {
        by_height.entry(*height).or_default().insert(hash);
    }
    for (height, hashes) in by_height {
        let block = node.rpc().block(Some(height)).await.unwrap().block;
        let held: BTreeSet<String> = block
            .data
            .txs
            .iter()
            .map(|tx| hex::encode_upper(Sha256::digest(tx)))
            .collect();
        for hash in hashes {
            assert!(
                held.contains(hash),
                "block {height} holds {hash}, a client was told"
            );
        }
    }
}

/// How many of the transactions a node does not find by hash. CometBFT indexes after a block is committed and
/// does not do it again, so a kill in between costs the index that node's entry, never the block.
pub async fn unindexed(node: &ChainClient, acknowledged: &[Acknowledged]) -> usize {
    let mut missing = 0;
    for (hash, _) in acknowledged {
        let hash: [u8; 32] = hex::decode(hash).unwrap().try_into().unwrap();
        missing += usize::from(node.rpc().tx(&hash, false).await.unwrap().is_none());
    }
    missing
}
