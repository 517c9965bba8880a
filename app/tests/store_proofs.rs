//! Proofs of the store, checked with the ICS-23 library alone, as a client does.

mod store_support;

use ics23::{commitment_proof::Proof as Kind, CommitmentProof, HostFunctionsManager};
use prost::Message;
use race_app::store::{ics23_specs, Proof, Store, StoreError, PROOF_OP_TYPE};
use store_support::{block, Place};

/// The SDK's key of a balance: 0x02, length of the address, address, denom.
fn balance_key(address: u8, denom: &str) -> Vec<u8> {
    [&[2, 20], [address; 20].as_slice(), denom.as_bytes()].concat()
}

fn a_bank(place: &Place, accounts: u8) -> Store {
    let store = place.open();
    let keys: Vec<_> = (0..accounts).map(|n| balance_key(n, "urace")).collect();
    let mut writes: Vec<(&str, &[u8], &[u8])> = keys
        .iter()
        .map(|key| ("bank", key.as_slice(), b"1000".as_slice()))
        .collect();
    writes.extend([
        ("auth", b"a".as_slice(), b"1".as_slice()),
        ("gov", b"b", b"2"),
    ]);
    block(&store, &writes);
    store
}

/// A client: takes the two operations apart by the published specifications.
fn client_accepts(proof: &Proof, app_hash: &[u8], keys: [&[u8]; 2]) -> bool {
    let specs = ics23_specs();
    let [key_op, store_op] = proof.ops.as_slice() else {
        return false;
    };
    let decode = |data: &[u8]| CommitmentProof::decode(data).expect("decodes");
    let (key_proof, store_proof) = (decode(&key_op.data), decode(&store_op.data));
    let existence = match &key_proof.proof {
        Some(Kind::Exist(existence)) => existence.clone(),
        Some(Kind::Nonexist(absence)) => absence
            .left
            .clone()
            .or(absence.right.clone())
            .expect("a neighbour"),
        _ => return false,
    };
    let root = ics23::calculate_existence_root::<HostFunctionsManager>(&existence).expect("a root");
    let key_holds = match &proof.value {
        Some(value) => ics23::verify_membership::<HostFunctionsManager>(
            &key_proof, &specs[0], &root, keys[0], value,
        ),
        None => ics23::verify_non_membership::<HostFunctionsManager>(
            &key_proof, &specs[0], &root, keys[0],
        ),
    };
    key_op.key == keys[0]
        && store_op.key == keys[1]
        && key_holds
        && ics23::verify_membership::<HostFunctionsManager>(
            &store_proof,
            &specs[1],
            &app_hash.to_vec(),
            keys[1],
            &root,
        )
}

#[test]
fn a_client_verifies_balances_and_their_absence_against_the_app_hash() {
    for (place, accounts) in Place::all().into_iter().zip([1, 100, 30]) {
        let store = a_bank(&place, accounts);
        let app_hash = store.latest().app_hash();
        for address in 0..accounts + 20 {
            let key = balance_key(address, "urace");
            let proof = store.prove(1, "bank", &key).unwrap();
            assert_eq!(proof.value.is_some(), address < accounts);
            assert!(proof.ops.iter().all(|op| op.r#type == PROOF_OP_TYPE));
            assert!(
                client_accepts(&proof, &app_hash, [&key, b"bank"]),
                "{address}"
            );
            proof.verify(&app_hash, "bank", &key).unwrap();
        }
    }
}

#[test]
fn a_proof_holds_for_its_own_key_store_value_and_height_only() {
    for place in Place::all() {
        let store = a_bank(&place, 10);
        let old = store.latest().app_hash();
        let new = block(&store, &[("auth", b"a", b"2")]).app_hash();
        let (here, absent) = (balance_key(3, "urace"), balance_key(99, "urace"));
        for key in [&here, &absent] {
            let proof = store.prove(1, "bank", key).unwrap();
            proof.verify(&old, "bank", key).unwrap();
            assert!(proof.verify(&new, "bank", key).is_err());
            assert!(proof.verify(&old, "auth", key).is_err());
            assert!(proof
                .verify(&old, "bank", &balance_key(4, "urace"))
                .is_err());
            let forged = Proof {
                value: Some(b"9999".to_vec()),
                ops: proof.ops.clone(),
            };
            assert!(forged.verify(&old, "bank", key).is_err());
            let denied = Proof {
                value: None,
                ops: proof.ops.clone(),
            };
            assert_eq!(
                denied.verify(&old, "bank", key).is_ok(),
                proof.value.is_none()
            );
            store
                .prove(2, "bank", key)
                .unwrap()
                .verify(&new, "bank", key)
                .unwrap();
        }
    }
}

#[test]
fn changed_bytes_of_a_proof_are_refused_without_a_panic() {
    let store = a_bank(&Place::memory(), 40);
    let app_hash = store.latest().app_hash();
    for key in [balance_key(3, "urace"), balance_key(99, "urace")] {
        let proof = store.prove(1, "bank", &key).unwrap();
        for op in 0..2 {
            for byte in 0..proof.ops[op].data.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut changed = proof.clone();
                    changed.ops[op].data[byte] ^= flip;
                    assert!(
                        changed.verify(&app_hash, "bank", &key).is_err()
                            || same_meaning(&changed, &proof, op),
                        "op {op} byte {byte}"
                    );
                }
            }
        }
        for ops in [
            vec![],
            vec![proof.ops[0].clone()],
            [proof.ops.clone(), proof.ops.clone()].concat(),
        ] {
            assert!(Proof {
                value: proof.value.clone(),
                ops
            }
            .verify(&app_hash, "bank", &key)
            .is_err());
        }
    }
}

/// Protobuf has more than one encoding of a message.
fn same_meaning(changed: &Proof, proof: &Proof, op: usize) -> bool {
    let decode = |proof: &Proof| CommitmentProof::decode(proof.ops[op].data.as_slice()).ok();
    decode(changed) == decode(proof)
}

#[test]
fn an_absent_store_is_proved_absent() {
    for place in Place::all() {
        let store = a_bank(&place, 5);
        let app_hash = store.latest().app_hash();
        let proof = store.prove(1, "race", b"key").unwrap();
        assert_eq!((proof.value.clone(), proof.ops.len()), (None, 1));
        proof.verify(&app_hash, "race", b"key").unwrap();
        assert!(proof.verify(&app_hash, "bank", b"key").is_err());
    }
}

#[test]
fn what_cannot_be_proved_says_so() {
    let store = Place::memory().open();
    assert!(matches!(
        store.prove(0, "bank", b"k").unwrap_err(),
        StoreError::NothingToProve { height: 0 }
    ));
    block(&store, &[("bank", b"k", b"1")]);
    assert!(matches!(
        store.prove(1, "bank", b"").unwrap_err(),
        StoreError::EmptyKey { .. }
    ));
    assert!(matches!(
        store.prove(2, "bank", b"k").unwrap_err(),
        StoreError::Future { .. }
    ));
}

#[test]
fn deleted_keys_prove_absent_and_their_neighbours_still_prove() {
    for place in Place::all() {
        let store = a_bank(&place, 60);
        let gone: Vec<_> = (0..60)
            .step_by(2)
            .map(|n| balance_key(n, "urace"))
            .collect();
        let writes: Vec<_> = gone
            .iter()
            .map(|key| ("bank", key.as_slice(), b"".as_slice()))
            .collect();
        let app_hash = block(&store, &writes).app_hash();
        drop(store);
        let store = place.open();
        for address in 0..60 {
            let key = balance_key(address, "urace");
            let proof = store.prove(2, "bank", &key).unwrap();
            assert_eq!(proof.value.is_some(), address % 2 == 1);
            proof.verify(&app_hash, "bank", &key).unwrap();
            let before = store.prove(1, "bank", &key).unwrap();
            assert_eq!(before.value, Some(b"1000".to_vec()));
            before
                .verify(&store.at(1).unwrap().app_hash(), "bank", &key)
                .unwrap();
        }
    }
}
