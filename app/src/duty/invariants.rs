//! What must hold after every block.

use race_proto::race::settlement::v1::TaskStatus;

use super::keys;
use crate::settlement;
use crate::state::State;

/// Every open re-verification is of a contested task.
///
/// # Errors
/// A sentence that names the task.
pub fn open_cases_are_contested(state: &State) -> Result<(), String> {
    for (id, epoch) in keys::OPEN.all(state) {
        let status = settlement::task(state, epoch, &id).map(|task| task.status());
        if status != Some(TaskStatus::Contested) {
            let id = hex::encode(id);
            return Err(format!(
                "task {id} is under re-verification and has status {status:?}"
            ));
        }
    }
    Ok(())
}
