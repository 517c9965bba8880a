//! How many bytes things take on chain: one line of JSON.
//!
//! `record`: a settled request in its encoding; `settle_1`, `settle_256`: signed transactions with
//! that many; `open_256_of_N`: the multiproof of 256 positions, spread evenly, of a proof with N
//! nonces.

use prost::Message as _;
use race::proof::{Leaf, Tree};
use race_proto::race::settlement::v1::{MsgSettle, Record};
use raced::node::Failure;
use raced::wallet::key::Key;
use raced::wallet::mnemonic::Mnemonic;
use raced::wallet::sign::{any, Signer, TxDraft};

fn record(index: u32) -> Record {
    Record {
        session_id: 1_000,
        index,
        prompt_tokens: 500,
        output_tokens: 500,
        digest: vec![7; 32],
        acknowledgement: vec![7; 64],
        attempt: 0,
    }
}

fn settlement(key: &Key, records: u32) -> usize {
    let message = MsgSettle {
        sender: key.account().to_string(),
        epoch: 1_000,
        records: (0..records).map(record).collect(),
    };
    let signer = Signer {
        chain_id: "race-1",
        account_number: 1_000,
        sequence: 1_000,
    };
    let draft = TxDraft::new(vec![any(&message)]).paying(100_000_000, 0);
    draft.sign(key, signer).len()
}

fn opening(count: u64) -> Result<usize, Failure> {
    let leaves = (0..count).map(|nonce| Leaf {
        nonce: nonce * 20,
        hash: race_randomness::hash::h("sizes", &[&nonce.to_le_bytes()]),
    });
    let tree = Tree::new(leaves.collect())?;
    let positions: Vec<u64> = (0..256).map(|i| i * count / 256).collect();
    Ok(tree.open_many(&positions)?.encode()?.len())
}

fn main() -> Result<(), Failure> {
    let key = Key::from_mnemonic(&Mnemonic::generate(), 0)?;
    let all = settlement(&key, 256);
    let sizes = serde_json::json!({
        "record": record(1).encoded_len(),
        "settle_1": settlement(&key, 1),
        "settle_256": all,
        "record_in_256": all as f64 / 256.0,
        "open_256_of_1000": opening(1_000)?,
        "open_256_of_1000000": opening(1_000_000)?,
    });
    println!("{sizes}");
    Ok(())
}
