use super::*;

const STEPS: &[Migration] = &[
    Migration {
        from: 1,
        run: |state| state.put("test", b"a".to_vec(), b"1".to_vec()),
    },
    Migration {
        from: 2,
        run: |state| state.put("test", b"b".to_vec(), b"2".to_vec()),
    },
];

fn program(version: u64) -> Program {
    Program {
        version,
        migrations: STEPS,
        ..Program::default()
    }
}

fn state(version: u64, plan: Option<(&str, i64)>) -> State {
    let mut state = State::empty();
    keys::VERSION.put(&mut state, &version);
    if let Some((name, height)) = plan {
        let plan = Plan {
            name: name.to_owned(),
            height,
            ..Plan::default()
        };
        keys::PLAN.put(&mut state, &plan);
    }
    state
}

#[test]
fn only_the_steps_from_the_version_found_run_once() {
    let mut state = state(2, None);
    migrate(&mut state, &program(3));
    assert_eq!((state.get("test", b"a"), version(&state)), (None, 3));
    assert_eq!(state.get("test", b"b"), Some(b"2".to_vec()));
    state.delete("test", b"b".to_vec());
    migrate(&mut state, &program(3));
    assert_eq!(state.get("test", b"b"), None);
}

#[test]
fn a_plan_that_was_carried_out_is_remembered_and_no_longer_planned() {
    let mut state = state(1, Some(("v3", 7)));
    apply(&mut state, &program(3));
    assert_eq!((plan(&state), version(&state)), (None, 3));
    assert_eq!(keys::APPLIED.get(&state, &"v3".to_owned()), Some(7));
    assert!(state.get("test", b"a").is_some() && state.get("test", b"b").is_some());
}

#[test]
fn names_have_one_spelling() {
    assert_eq!(brings("v2"), Some(2));
    for name in ["2", "v", "v02", "v+2", "v2 ", "V2", "v2.0", "v-1"] {
        assert_eq!(brings(name), None, "{name}");
    }
}

#[test]
fn before_its_height_a_plan_stops_only_the_program_that_it_brings() {
    let state = state(1, Some(("v2", 10)));
    assert_eq!(next(&state, 8, &program(1)), Ok(Next::Execute));
    let early = next(&state, 8, &program(2)).unwrap_err().to_string();
    assert!(early.contains("'v2' is planned for height 10"), "{early}");
}

#[test]
fn at_its_height_only_the_program_that_it_brings_goes_on() {
    let state = state(1, Some(("v2", 10)));
    assert_eq!(next(&state, 9, &program(2)), Ok(Next::Migrate));
    for other in [1, 3] {
        let halt = next(&state, 9, &program(other)).unwrap_err().to_string();
        assert_eq!(
            halt,
            "upgrade 'v2' is due at height 10: install the program with app version 2 and start it again; \
             nothing was lost"
        );
    }
}

#[test]
fn afterwards_the_old_program_is_told_to_go() {
    let halt = next(&state(2, None), 12, &program(1)).unwrap_err();
    let expected = Halt::Outdated {
        height: 12,
        found: 2,
        own: 1,
    };
    assert_eq!(halt, expected);
}
