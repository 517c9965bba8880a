//! What nodes and people ask.

use race_app::{duty, model, reputation, session, settlement, treasury};
use race_proto::race::duty::v1::{
    Outcome, QueryRevealsRequest, QueryRevealsResponse, QueryReverificationsRequest,
    QueryReverificationsResponse, QueryWindowsRequest, QueryWindowsResponse,
};
use race_proto::race::model::v1::{QueryModelRequest, QueryModelResponse};
use race_proto::race::reputation::v1::{QueryReputationRequest, QueryReputationResponse};
use race_proto::race::session::v1::{
    QueryExecutorRequest, QueryExecutorResponse, QuerySessionRequest, QuerySessionResponse,
    QuerySessionsRequest, QuerySessionsResponse,
};
use race_proto::race::settlement::v1::{
    QueryTaskRequest, QueryTaskResponse, QueryTasksRequest, QueryTasksResponse,
    QueryWorkloadsRequest, QueryWorkloadsResponse,
};
use race_proto::race::treasury::v1::{
    QueryHeldRequest, QueryHeldResponse, QueryIssuanceRequest, QueryIssuanceResponse,
    QueryPoolsRequest, QueryPoolsResponse, QueryReleasesRequest, QueryReleasesResponse,
};

use crate::world::{World, MODEL};

#[test]
fn every_question_is_answered_along_the_way() {
    let mut world = World::new(&[1 << 20; 4]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    let answer: QueryModelResponse = world
        .ask(
            model::QUERIES,
            "/race.model.v1.Query/Model",
            &QueryModelRequest { id: MODEL.into() },
        )
        .unwrap();
    assert_eq!(answer.hosts.len(), 4);
    let answer: QuerySessionResponse = world
        .ask(
            session::QUERIES,
            "/race.session.v1.Query/Session",
            &QuerySessionRequest { id },
        )
        .unwrap();
    assert_eq!(answer.pin.unwrap().epoch, 1);
    for owner in [String::new(), world.alice.to_string()] {
        let answer: QuerySessionsResponse = world
            .ask(
                session::QUERIES,
                "/race.session.v1.Query/Sessions",
                &QuerySessionsRequest { owner },
            )
            .unwrap();
        assert_eq!(answer.sessions.len(), 1);
    }
    let request = QueryExecutorRequest {
        session_id: id,
        index: 0,
        attempt: 0,
    };
    let answer: QueryExecutorResponse = world
        .ask(
            session::QUERIES,
            "/race.session.v1.Query/Executor",
            &request,
        )
        .unwrap();
    let executor = world.executor(id, 0, 0);
    assert_eq!(answer.address, world.nodes[executor].address);
    assert_eq!(answer.grpc, format!("127.0.0.1:{}", 9000 + executor));

    world.serve(id, 0, 90);
    let request = QueryTaskRequest {
        session_id: id,
        index: 0,
    };
    let answer: QueryTaskResponse = world
        .ask(
            settlement::QUERIES,
            "/race.settlement.v1.Query/Task",
            &request,
        )
        .unwrap();
    assert_eq!(answer.task.unwrap().fee, "300000");
    let missing = QueryTaskRequest {
        session_id: id,
        index: 1,
    };
    assert!(world
        .ask::<_, QueryTaskResponse>(
            settlement::QUERIES,
            "/race.settlement.v1.Query/Task",
            &missing
        )
        .is_err());
    let answer: QueryWorkloadsResponse = world
        .ask(
            settlement::QUERIES,
            "/race.settlement.v1.Query/Workloads",
            &QueryWorkloadsRequest { epoch: 1 },
        )
        .unwrap();
    assert_eq!(answer.workloads.len(), 1);
    let request = QueryReputationRequest {
        address: world.nodes[executor].address.to_vec(),
    };
    let answer: QueryReputationResponse = world
        .ask(
            reputation::QUERIES,
            "/race.reputation.v1.Query/Reputation",
            &request,
        )
        .unwrap();
    assert_eq!(answer.check_rate_millis, 4_000);

    let windows = |world: &World| -> QueryWindowsResponse {
        world
            .ask(
                duty::QUERIES,
                "/race.duty.v1.Query/Windows",
                &QueryWindowsRequest { epoch: 1 },
            )
            .unwrap()
    };
    assert_eq!(
        windows(&world).reveal_end,
        0,
        "not known while the epoch runs"
    );
    world.run_to_epoch(2);
    let end = world.height - 1;
    let w = windows(&world);
    assert_eq!(
        (w.settle_end, w.reveal_start, w.reveal_end),
        (end + 5, end + 6, end + 11)
    );
    world.reveal_all(|_, _| Outcome::False);
    let answer: QueryRevealsResponse = world
        .ask(
            duty::QUERIES,
            "/race.duty.v1.Query/Reveals",
            &QueryRevealsRequest { epoch: 1 },
        )
        .unwrap();
    assert_eq!(answer.reveals.len(), 4);
    let open = |world: &World, epoch| -> QueryReverificationsResponse {
        let request = QueryReverificationsRequest { epoch };
        world
            .ask(
                duty::QUERIES,
                "/race.duty.v1.Query/Reverifications",
                &request,
            )
            .unwrap()
    };
    assert_eq!(open(&world, 0).reverifications.len(), 1);
    assert_eq!(open(&world, 0).reverifications[0].accusers.len(), 3);
    let task = world.task(id, 0);
    world.run_to(world.case(&task).reveal_end + 1);
    assert!(open(&world, 0).reverifications.is_empty());
    assert_eq!(open(&world, 1).reverifications.len(), 1);
    world.run_to_epoch(3);
    let answer: QueryTasksResponse = world
        .ask(
            settlement::QUERIES,
            "/race.settlement.v1.Query/Tasks",
            &QueryTasksRequest {
                epoch: 1,
                pagination: None,
            },
        )
        .unwrap();
    assert_eq!(answer.tasks.len(), 1);
}

#[test]
fn what_is_held_before_the_release_is_what_is_released() {
    let mut world = World::new(&[1 << 20; 4]);
    let id = world.open_pinned(100_000_000, 1_000_000);
    world.serve_all((0..6).map(|index| (id, index)), 90);
    world.run_to_epoch(2);
    world.reveal_all(|_, _| Outcome::Pass);
    let held: QueryHeldResponse = world
        .ask(
            treasury::QUERIES,
            "/race.treasury.v1.Query/Held",
            &QueryHeldRequest { epoch: 1 },
        )
        .unwrap();
    world.run_to_epoch(3);
    let released: QueryReleasesResponse = world
        .ask(
            treasury::QUERIES,
            "/race.treasury.v1.Query/Releases",
            &QueryReleasesRequest { epoch: 1 },
        )
        .unwrap();
    assert_eq!((held.held.len(), released.releases.len()), (4, 4));
    let n = |text: &str| text.parse::<u128>().unwrap();
    for (held, released) in held.held.iter().zip(&released.releases) {
        let total = n(&held.fees) + n(&held.checking) + n(&held.gas) + n(&held.minted);
        assert_eq!(total, n(&released.released));
        assert_eq!(held.minted, released.minted);
    }
    let pools: QueryPoolsResponse = world
        .ask(
            treasury::QUERIES,
            "/race.treasury.v1.Query/Pools",
            &QueryPoolsRequest {},
        )
        .unwrap();
    let fund = pools
        .pools
        .iter()
        .find(|pool| pool.name == "training_fund")
        .unwrap();
    assert_eq!(n(&fund.balance), world.pool("training_fund"));
    let issuance: QueryIssuanceResponse = world
        .ask(
            treasury::QUERIES,
            "/race.treasury.v1.Query/Issuance",
            &QueryIssuanceRequest {},
        )
        .unwrap();
    assert_eq!(issuance.batch, 1);
    assert_eq!(
        n(&issuance.remaining) + world.minted(),
        600_000_000_000_000_000
    );
}
