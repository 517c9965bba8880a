//! A host's words to the chain: which models it has loaded, what it served.

use race_app::{epoch, model, session, settlement};
use race_proto::race::model::v1::MsgAnnounceModel;
use race_proto::race::settlement::v1::{MsgSettle, Record};

use super::{Identity, View, Wanted};
use crate::serving::tasks::Entry;

/// Most records in one settlement, so that a transaction stays well below its size limit.
const MAX_RECORDS: usize = 256;

/// Announcements that differ from what the chain believes of this node.
pub fn announcements(view: &View, me: &Identity, loaded: &[String]) -> Vec<Wanted> {
    let registered = model::all(&view.state);
    registered
        .iter()
        .filter(|model| !model.retired)
        .filter_map(|model| {
            let here = loaded.contains(&model.id);
            let said = model::hosts(&view.state, &model.id)
                .iter()
                .any(|h| h.address == me.address);
            (here != said).then(|| {
                Wanted::new(
                    format!("model/{}/{here}", model.id),
                    &MsgAnnounceModel {
                        sender: me.hot.to_string(),
                        model_id: model.id.clone(),
                        loaded: here,
                    },
                )
            })
        })
        .collect()
}

/// The settlement of the oldest epoch that has acknowledged requests which the chain has not got.
pub fn settlement(view: &View, me: &Identity, served: &[Entry]) -> Option<Wanted> {
    let current = epoch::current(&view.state).number;
    for epoch in [current.saturating_sub(1), current] {
        if !settlement::is_open(&view.state, epoch, view.next()) {
            continue;
        }
        let mut unsettled: Vec<&Entry> = served
            .iter()
            .filter(|task| task.epoch == epoch && task.attempt < session::ATTEMPTS)
            .filter(|task| {
                session::get(&view.state, task.session).is_some_and(|s| session::is_open(&s))
            })
            .filter(|task| {
                let index = u64::from(task.index);
                settlement::task_of(&view.state, &me.chain_id, task.session, index).is_none()
            })
            .collect();
        // Records that the chain refuses must not stand before the others for ever.
        if unsettled.len() > MAX_RECORDS {
            let turn = usize::try_from(view.height).unwrap_or_default();
            let by = turn.wrapping_mul(MAX_RECORDS) % unsettled.len();
            unsettled.rotate_left(by);
            unsettled.truncate(MAX_RECORDS);
            unsettled.sort_by_key(|task| (task.session, task.index));
        }
        let records: Vec<Record> = unsettled
            .into_iter()
            .map(|task| Record {
                session_id: task.session,
                index: task.index,
                prompt_tokens: task.prompt_tokens,
                output_tokens: task.output_tokens,
                digest: task.digest.clone(),
                acknowledgement: task.acknowledgement.clone(),
                attempt: task.attempt,
            })
            .collect();
        if let Some(first) = records.first() {
            let step = format!("settle/{epoch}/{}/{}", first.session_id, first.index);
            let sender = me.hot.to_string();
            return Some(Wanted::new(
                step,
                &MsgSettle {
                    sender,
                    epoch,
                    records,
                },
            ));
        }
    }
    None
}
