use race_app::race;
use race_app::state::{Base, State};
use race_proto::race::epoch::v1::Phase;

use crate::network::Network;
use crate::node::Proof;

/// State read back from what was written.
struct Written(race_app::state::Changes);

impl Base for Written {
    fn get(&self, store: &str, key: &[u8]) -> Option<Vec<u8>> {
        let at = |(s, k): &&(&'static str, Vec<u8>)| *s == store && k == key;
        let key = self.0.keys().find(at)?;
        self.0[key].clone()
    }

    fn scan(&self, store: &str, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let here = self
            .0
            .iter()
            .filter(|((s, key), _)| *s == store && key.starts_with(prefix));
        here.filter_map(|((_, key), value)| Some((key.clone(), value.clone()?)))
            .collect()
    }
}

#[test]
fn recomputations_in_flight_are_listed_and_settle_the_same_way() {
    let mut network = Network::new(4);
    network.node(0).proof = Proof::WrongHash;
    network.until(Phase::Dispute);
    network.block();
    let started = network.oracle.started();
    assert_eq!(race::pending_recomputations(&network.state), started);
    assert_eq!(started.len(), 1);

    let mut restarted = Network::new(4);
    restarted.state = State::new(std::sync::Arc::new(Written(
        network.state.changes().clone(),
    )));
    restarted.height = network.height;
    restarted.comet = network.comet.clone();
    assert_eq!(race::pending_recomputations(&restarted.state), started);
    network.until_epoch(2);
    restarted.until_epoch(2);
    assert_eq!(restarted.height, network.height);
    assert_eq!(restarted.comet, network.comet);
    assert_eq!(race::pending_recomputations(&network.state), []);
}
