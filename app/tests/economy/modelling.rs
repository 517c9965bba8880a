use race_app::address::Account;
use race_app::{model, session};
use race_proto::race::model::v1::{
    LengthClass, MsgAnnounceModel, MsgRegisterModel, MsgRetireModel,
};

use crate::world::{test_model, World, MODEL};

fn register(
    world: &mut World,
    authority: Account,
    change: fn(&mut race_proto::race::model::v1::Model),
) -> Result<race_proto::Any, race_app::error::TxError> {
    let mut model = test_model("team/new-1.0");
    change(&mut model);
    world.send(&MsgRegisterModel {
        authority: authority.to_string(),
        model: Some(model),
    })
}

#[test]
fn only_governance_registers_models_and_an_id_is_given_once() {
    let mut world = World::new(&[100; 4]);
    let gov = Account::of_module("gov");
    let alice = world.alice;
    assert_eq!(register(&mut world, alice, |_| {}).unwrap_err().code, 2);
    register(&mut world, gov, |_| {}).unwrap();
    assert_eq!(register(&mut world, gov, |_| {}).unwrap_err().code, 4);
    let model = model::get(&world.state, "team/new-1.0").unwrap();
    assert_eq!(
        (model.registered_height, model.retired),
        (world.height, false)
    );
}

#[test]
fn models_that_make_no_sense_are_refused() {
    let mut world = World::new(&[100; 4]);
    let gov = Account::of_module("gov");
    let wrong: [fn(&mut race_proto::race::model::v1::Model); 12] = [
        |m| m.id = "Upper".into(),
        |m| m.id = String::new(),
        |m| m.weights_digest = vec![0; 31],
        |m| m.units_per_token = 0,
        |m| m.numeric_format = String::new(),
        |m| m.context_length = 0,
        |m| m.thresholds = None,
        |m| m.thresholds.as_mut().unwrap().top_k = 65,
        |m| m.thresholds.as_mut().unwrap().top_k = 256 + 8,
        |m| m.thresholds.as_mut().unwrap().classes.clear(),
        |m| m.thresholds.as_mut().unwrap().classes[0].min_length = 0,
        |m| {
            let classes = &mut m.thresholds.as_mut().unwrap().classes;
            *classes = (1..=17)
                .map(|min_length| LengthClass {
                    min_length,
                    ..classes[0]
                })
                .collect();
        },
    ];
    for change in wrong {
        let error = register(&mut world, gov, change).unwrap_err();
        assert_eq!((error.codespace, error.code), ("race_model", 3), "{error}");
    }
}

#[test]
fn a_retired_model_takes_no_new_sessions_but_keeps_those_it_has() {
    let mut world = World::new(&[100; 4]);
    let open = world.open_pinned(10_000_000, 1_000_000);
    let authority = Account::of_module("gov").to_string();
    world.must(&MsgRetireModel {
        authority,
        id: MODEL.into(),
    });
    let msg = world.open_message(10, 5, 100);
    assert_eq!(world.send(&msg).unwrap_err().code, 8);
    world.run_to_epoch(2);
    world.run(12);
    assert_eq!(
        session::newest_pin(&world.state, &world.session(open))
            .unwrap()
            .epoch,
        2
    );
}

#[test]
fn announcements_are_free_and_bounded() {
    let mut world = World::with(&[100; 4], &[("model/max_announcements", 3)]);
    let sender = world.nodes[0].hot.to_string();
    let mut announce = |loaded| {
        world.send(&MsgAnnounceModel {
            sender: sender.clone(),
            model_id: MODEL.into(),
            loaded,
        })
    };
    assert_eq!(announce(true).unwrap_err().code, 7, "it is loaded");
    announce(false).unwrap();
    announce(true).unwrap();
    assert_eq!(announce(false).unwrap_err().code, 8);
    world.run_to_epoch(2);
    world.must(&MsgAnnounceModel {
        sender,
        model_id: MODEL.into(),
        loaded: false,
    });
    assert_eq!(model::hosts(&world.state, MODEL).len(), 3);
}
