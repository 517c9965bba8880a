//! Events of `node`.

use race_proto::race::node::v1::{EventRegistered, Node};

use crate::events::typed;
use crate::state::State;

pub(super) fn registered(state: &mut State, node: &Node) {
    state.emit(typed(&EventRegistered {
        address: node.address.clone(),
        operator: node.operator.clone(),
        moniker: node.moniker.clone(),
    }));
}
