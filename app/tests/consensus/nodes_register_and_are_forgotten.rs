use race_app::node as nodes;
use race_proto::race::node::v1::{
    Endpoints, MsgUpdateNode, QueryNodeRequest, QueryNodeResponse, QueryNodesRequest,
    QueryNodesResponse,
};

use crate::network::{registration, Network};
use crate::node::{Node, Proof};

#[test]
fn a_registered_node_is_found_by_address_operator_and_hot_account() {
    let mut network = Network::new(1);
    let index = network.join();
    let node = &network.nodes[index];
    let by = |request: &QueryNodeRequest| -> QueryNodeResponse {
        network.query("/race.node.v1.Query/Node", request)
    };
    let account = |account: String| QueryNodeRequest {
        account,
        address: Vec::new(),
    };
    let found = by(&account(node.operator.to_string())).node.unwrap();
    assert_eq!(found.address, node.address());
    assert_eq!(by(&account(node.hot.to_string())).node.unwrap(), found);
    let address = QueryNodeRequest {
        address: node.address().to_vec(),
        account: String::new(),
    };
    assert_eq!(by(&address).node.unwrap(), found);
    let all: QueryNodesResponse = network.query("/race.node.v1.Query/Nodes", &QueryNodesRequest {});
    assert_eq!(all.nodes.len(), 2);
    assert!(race_app::auth::account(&network.state, &node.operator).is_some());
    assert!(race_app::auth::account(&network.state, &node.hot).is_some());
}

#[test]
fn a_proof_for_another_chain_another_operator_or_another_key_is_refused() {
    let mut network = Network::new(1);
    let node = Node::new(7);
    let good = registration(&node);
    let other = registration(&Node::new(8));
    let mut stolen = good.clone();
    stolen.operator = race_app::address::Account([0x55; 20]).to_string();
    assert_eq!(network.send(&stolen).unwrap_err().code, 4);
    for which in 0..4 {
        let mut forged = good.clone();
        let (proofs, others) = (
            forged.proofs.as_mut().unwrap(),
            other.proofs.as_ref().unwrap(),
        );
        match which {
            0 => proofs.consensus.clone_from(&others.consensus),
            1 => proofs.duty.clone_from(&others.duty),
            2 => proofs.share.clone_from(&others.share),
            _ => proofs.transport.clone_from(&others.transport),
        }
        let error = network.send(&forged).unwrap_err();
        assert_eq!((error.codespace, error.code), ("race_node", 4), "{error}");
    }
    network.send(&good).unwrap();
}

#[test]
fn keys_and_accounts_serve_one_node() {
    let mut network = Network::new(1);
    let first = Node::new(7);
    network.send(&registration(&first)).unwrap();
    assert_eq!(network.send(&registration(&first)).unwrap_err().code, 5);
    let mut second = registration(&Node::new(8));
    second.hot_account = first.hot.to_string();
    assert_eq!(network.send(&second).unwrap_err().code, 6);
    let mut shared = registration(&Node::new(8));
    let keys = shared.keys.as_mut().unwrap();
    keys.share.clone_from(&keys.duty);
    assert_eq!(network.send(&shared).unwrap_err().code, 3);
}

#[test]
fn naming_a_strangers_account_does_not_keep_it_from_its_own_node() {
    let mut network = Network::new(1);
    let victim = Node::new(7);
    let mut squatter = registration(&Node::new(8));
    squatter.hot_account = victim.operator.to_string();
    network.send(&squatter).unwrap();
    network.send(&registration(&victim)).unwrap();
    let found = nodes::by_sender(&network.state, &victim.operator).unwrap();
    assert_eq!(found.address, victim.address());
    network.block();
}

#[test]
fn an_account_that_another_node_named_first_becomes_no_second_nodes_hot_account() {
    let mut network = Network::new(1);
    let victim = Node::new(7);
    let mut squatter = registration(&Node::new(8));
    squatter.hot_account = victim.operator.to_string();
    network.send(&squatter).unwrap();
    network.send(&registration(&victim)).unwrap();
    let update = MsgUpdateNode {
        operator: victim.operator.to_string(),
        hot_account: victim.operator.to_string(),
        moniker: "victim".to_owned(),
        endpoints: Some(victim.endpoints()),
    };
    assert_eq!(network.send(&update).unwrap_err().code, 6);
    network.block();
}

#[test]
fn when_all_places_are_taken_a_newcomer_takes_that_of_who_does_not_race() {
    let mut network = Network::with(2, &[("node/max_outside", 2)]);
    let [idle, racing] = [network.join(), network.join()];
    network.node(idle).proof = Proof::None;
    // Accepted, but never in a committee: it waits for its turn.
    network.node(racing).deals = false;
    let late = registration(&Node::new(20));
    assert_eq!(network.send(&late).unwrap_err().code, 13);
    network.until_epoch(2);
    assert_eq!(network.send(&late).unwrap_err().code, 13);
    network.until_epoch(3);
    network.send(&late).unwrap();
    assert!(nodes::get(&network.state, &network.address(idle)).is_none());
    assert!(nodes::get(&network.state, &network.address(racing)).is_some());
    let later = registration(&Node::new(21));
    assert_eq!(network.send(&later).unwrap_err().code, 13);
    network.block();
}

#[test]
fn a_block_takes_sixteen_registrations() {
    let mut network = Network::new(1);
    for index in 20..36 {
        network.send(&registration(&Node::new(index))).unwrap();
    }
    let late = registration(&Node::new(36));
    assert_eq!(network.send(&late).unwrap_err().code, 7);
    network.block();
    network.send(&late).unwrap();
}

#[test]
fn the_operator_changes_endpoints_and_hot_account() {
    let mut network = Network::new(2);
    let (operator, old) = (network.nodes[0].operator, network.nodes[0].hot);
    let hot = race_app::address::Account([0x66; 20]);
    let mut message = MsgUpdateNode {
        operator: operator.to_string(),
        hot_account: hot.to_string(),
        moniker: "renamed".to_owned(),
        endpoints: Some(Endpoints {
            grpc: "host:1".to_owned(),
            api: "http://host".to_owned(),
        }),
    };
    network.send(&message).unwrap();
    assert_eq!(
        nodes::by_sender(&network.state, &hot).unwrap().moniker,
        "renamed"
    );
    assert!(nodes::by_sender(&network.state, &old).is_err());
    message.endpoints = Some(Endpoints {
        grpc: "nowhere".to_owned(),
        api: String::new(),
    });
    assert_eq!(network.send(&message).unwrap_err().code, 9);
    message.endpoints = Some(Endpoints {
        grpc: "host:1".to_owned(),
        api: String::new(),
    });
    message.hot_account = network.nodes[1].hot.to_string();
    assert_eq!(network.send(&message).unwrap_err().code, 6);
    message.operator = hot.to_string();
    assert_eq!(network.send(&message).unwrap_err().code, 11);
}

#[test]
fn a_node_that_never_races_is_forgotten_after_two_epochs() {
    let mut network = Network::new(2);
    let idle = network.join();
    network.node(idle).proof = Proof::None;
    let (operator, address) = (network.nodes[idle].operator, network.address(idle));
    network.until_epoch(3);
    assert!(nodes::get(&network.state, &address).is_some());
    network.until_epoch(4);
    assert!(nodes::get(&network.state, &address).is_none());
    assert!(nodes::by_operator(&network.state, &operator).is_none());
    assert!(nodes::get(&network.state, &network.address(0)).is_some());
    // Its keys are free again.
    let again = registration(&network.nodes[idle]);
    network.send(&again).unwrap();
}

#[test]
fn a_node_that_left_is_kept_while_its_committees_are() {
    let mut network = Network::new(3);
    network.until_epoch(2);
    network.node(0).proof = Proof::None;
    let address = network.address(0);
    network.until_epoch(5);
    assert_eq!(network.power(0), 0);
    assert!(nodes::get(&network.state, &address).is_some());
    network.until_epoch(6);
    assert!(nodes::get(&network.state, &address).is_none());
}
