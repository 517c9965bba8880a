//! A candidate's confirmation that it is there for the next epoch.

use race_app::epoch;
use race_proto::race::epoch::v1::{MsgConfirmReady, Phase};

use super::{Identity, View, Wanted};

/// The confirmation, while it is asked for and not given.
pub fn wanted(view: &View, me: &Identity) -> Option<Wanted> {
    let epoch = epoch::current(&view.state);
    let asked =
        epoch.phase() == Phase::Ready && epoch::awaits_confirmation(&view.state, &me.address);
    asked.then(|| {
        Wanted::new(
            format!(
                "ready/{}/{}/{}",
                epoch.number, epoch.race_attempt, epoch.key_attempt
            ),
            &MsgConfirmReady {
                sender: me.hot.to_string(),
                epoch: epoch.number,
                race_attempt: epoch.race_attempt,
                key_attempt: epoch.key_attempt,
            },
        )
    })
}
