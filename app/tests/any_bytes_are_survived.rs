//! The bodies of the fuzz targets in `fuzz/`, on random bytes and on what fuzzing kept.

#![allow(missing_docs)]

use proptest::prelude::*;

#[path = "../fuzz/entries/amino.rs"]
mod amino;
#[path = "../fuzz/entries/canonical.rs"]
mod canonical;
#[path = "../fuzz/entries/check_tx.rs"]
mod check_tx;
#[path = "../fuzz/entries/genesis.rs"]
mod genesis;
#[path = "../fuzz/entries/input.rs"]
mod input;
#[path = "../fuzz/entries/made.rs"]
mod made;
#[path = "../fuzz/entries/query.rs"]
mod query;
#[path = "../fuzz/entries/sign_bytes.rs"]
mod sign_bytes;
#[path = "../fuzz/entries/snapshot.rs"]
mod snapshot;
#[path = "../fuzz/entries/transaction.rs"]
mod transaction;

type Body = fn(&[u8]);

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..240)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_a_transaction(bytes in some_bytes()) {
        transaction::survives(&bytes);
    }

    #[test]
    fn as_a_message_in_amino_json(bytes in some_bytes()) {
        amino::survives(&bytes);
    }

    #[test]
    fn as_a_document_that_is_signed(bytes in some_bytes()) {
        sign_bytes::survives(&bytes);
    }

    #[test]
    fn as_a_query(bytes in some_bytes()) {
        query::survives(&bytes);
    }

    #[test]
    fn as_a_snapshot(bytes in some_bytes()) {
        snapshot::survives(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_the_mempool_and_in_a_block(bytes in some_bytes()) {
        check_tx::survives(&bytes);
    }

    #[test]
    fn as_the_app_state_of_a_genesis_file(bytes in some_bytes()) {
        genesis::survives(&bytes);
    }
}

#[test]
fn what_fuzzing_kept_is_survived() {
    let targets: [(&str, Body); 7] = [
        ("transaction", transaction::survives),
        ("amino", amino::survives),
        ("sign_bytes", sign_bytes::survives),
        ("check_tx", check_tx::survives),
        ("query", query::survives),
        ("snapshot", snapshot::survives),
        ("genesis", genesis::survives),
    ];
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (target, survives) in targets {
        let folder = std::fs::read_dir(seeds.join(target)).unwrap();
        let files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty(), "{target}");
        for file in files {
            survives(&std::fs::read(file).unwrap());
        }
    }
}
