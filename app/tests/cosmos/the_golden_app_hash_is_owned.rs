//! App hashes of a fixed scenario. A mismatch means that consensus changed: nodes of the two
//! versions would part. Accept the new snapshot only together with a migration or before launch.

use race_app::testing::{Chain, Wallet};

#[test]
fn of_two_epochs_with_payments() {
    let mut chain = Chain::new(4);
    let (alice, carol) = (Wallet::named("alice"), Wallet::named("carol"));
    let mut hashes = vec![format!("genesis {}", hex::encode(chain.app_hash))];
    while chain.epoch().number < 3 {
        if chain.height % 10 == 5 {
            chain.send(&alice, vec![alice.pays(&carol, 1)]).unwrap();
        }
        chain.step();
        assert!(chain.height < 300, "{:?}", chain.epoch());
        if chain.height.is_multiple_of(20) {
            hashes.push(format!("{} {}", chain.height, hex::encode(chain.app_hash)));
        }
    }
    insta::assert_snapshot!(hashes.join("\n"));
}
