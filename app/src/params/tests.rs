use super::*;
use crate::gov;
use crate::tx::params::MIN_GAS_PRICE;
use prost::Message;
use race_proto::race::params::v1::{MsgUpdateParams, Param};

#[test]
fn names_are_unique_and_defaults_within_their_bounds() {
    let mut names: Vec<_> = all().map(|spec| spec.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for spec in all() {
        for value in [spec.network, spec.local] {
            assert!(check(spec.name, value).is_ok(), "{}: {value}", spec.name);
        }
        assert_eq!(spec.name.matches('/').count(), 1, "{}", spec.name);
    }
}

fn update(state: &mut State, authority: String, name: &str, value: u64) -> Result<(), TxError> {
    let params = vec![Param {
        name: name.into(),
        value,
    }];
    let bytes = MsgUpdateParams { authority, params }.encode_to_vec();
    let context = crate::context::Context {
        chain_id: "t",
        height: 1,
        time_ms: 0,
        oracle: &NoOracle,
    };
    (MESSAGES[0].parse)(&bytes)?
        .execute(state, &context)
        .map(drop)
}

struct NoOracle;
impl crate::oracle::RaceOracle for NoOracle {
    fn start(&self, _: &crate::oracle::Recomputation) {}
    fn join(&self, _: &crate::oracle::Recomputation) -> crate::oracle::Truth {
        unreachable!("no recomputation here")
    }
}

#[test]
fn only_governance_changes_a_parameter_and_only_within_its_bounds() {
    let mut state = State::empty();
    init_genesis(&mut state, Profile::Local, []).unwrap();
    let anyone = crate::address::Account([1; 20]).to_string();
    assert_eq!(
        update(&mut state, anyone, MIN_GAS_PRICE.name, 7)
            .unwrap_err()
            .code,
        4
    );
    let gov = gov::authority().to_string();
    assert!(update(&mut state, gov.clone(), MIN_GAS_PRICE.name, u64::MAX).is_err());
    assert!(update(&mut state, gov.clone(), "tx/nothing", 1).is_err());
    update(&mut state, gov, MIN_GAS_PRICE.name, 7).unwrap();
    assert_eq!(get(&state, &MIN_GAS_PRICE), 7);
}

#[test]
fn a_parameter_of_the_calendar_waits_for_the_switch() {
    let mut state = State::empty();
    init_genesis(&mut state, Profile::Local, []).unwrap();
    let Some(spec) = all().find(|s| s.name.starts_with("epoch/")) else {
        return;
    };
    let (before, wanted) = (get(&state, spec), spec.max);
    schedule(&mut state, spec, wanted);
    assert_eq!(
        (get(&state, spec), pending(&state, spec)),
        (before, Some(wanted))
    );
    apply_pending(&mut state);
    assert_eq!((get(&state, spec), pending(&state, spec)), (wanted, None));
}

#[test]
fn an_unknown_override_of_genesis_is_refused() {
    let mut state = State::empty();
    assert!(init_genesis(&mut state, Profile::Local, [("no/such", 1)]).is_err());
}

#[test]
fn a_calendar_that_is_too_short_is_refused_with_the_minimum() {
    use crate::epoch::params::SERVE;
    for profile in [Profile::Local, Profile::Network] {
        assert_eq!(fits(|spec| profile.default_of(spec)), Ok(()));
    }
    let serving = |blocks: u64| {
        fits(|spec| match spec.name == SERVE.name {
            true => blocks,
            false => spec.local,
        })
    };
    let misfit = serving(1).unwrap_err();
    assert!(matches!(
        misfit,
        Misfit::Serve {
            needed: 21,
            minimum: 3,
            ..
        }
    ));
    assert_eq!(serving(3), Ok(()));
    assert!(serving(2).is_err());
    assert!(misfit
        .to_string()
        .contains("epoch/serve_blocks to at least 3"));
}

#[test]
fn a_committee_that_cannot_deal_in_its_window_is_refused_with_the_minimum() {
    use crate::epoch::params::MAX_VALIDATORS;
    let seats = |validators: u64| {
        fits(|spec| match spec.name == MAX_VALIDATORS.name {
            true => validators,
            false => spec.local,
        })
    };
    assert_eq!(seats(40), Ok(()));
    let said = seats(41).unwrap_err().to_string();
    assert!(said.contains("epoch/deal_blocks to at least 6"), "{said}");
}

#[test]
fn an_update_must_fit_what_already_waits_for_the_switch() {
    let mut state = State::empty();
    init_genesis(&mut state, Profile::Local, []).unwrap();
    let gov = gov::authority().to_string();
    update(&mut state, gov.clone(), "epoch/serve_blocks", 3).unwrap();
    let error = update(&mut state, gov.clone(), "duty/reveal_blocks", 7).unwrap_err();
    assert!(error.log.contains("at least 4"), "{error}");
    update(&mut state, gov.clone(), "epoch/serve_blocks", 4).unwrap();
    update(&mut state, gov, "duty/reveal_blocks", 7).unwrap();
}
