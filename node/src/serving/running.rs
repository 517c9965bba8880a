//! Requests being answered here: none is answered twice at once, and no session has many.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::Status;

/// Requests of one session that a node answers at once. More would fill the queue before anything is
/// paid.
const AT_ONCE: usize = 2;

/// Requests being answered. Clones share it.
#[derive(Clone, Default)]
pub struct Running(Arc<Mutex<BTreeSet<(u64, u32)>>>);

impl Running {
    fn set(&self) -> MutexGuard<'_, BTreeSet<(u64, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks request `index` of `session` until the turn is dropped.
    ///
    /// # Errors
    /// It is being answered already, or the session has as many requests here as it may.
    pub(super) fn begin(&self, session: u64, index: u32) -> Result<Turn, Status> {
        let mut set = self.set();
        if set.contains(&(session, index)) {
            return Err(Status::aborted(
                "this request is being answered; ask again when it is done",
            ));
        }
        if set.range((session, 0)..=(session, u32::MAX)).count() >= AT_ONCE {
            return Err(Status::resource_exhausted(format!(
                "this node answers {AT_ONCE} requests of a session at once; ask again when one is done"
            )));
        }
        set.insert((session, index));
        Ok(Turn(self.clone(), (session, index)))
    }
}

/// A request is being answered until this is dropped.
pub(super) struct Turn(Running, (u64, u32));

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.set().remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_two_requests_in_flight_and_another_session_its_own() {
        let running = Running::default();
        let first = running.begin(1, 0).unwrap();
        let again = running.begin(1, 0).map(drop).unwrap_err();
        assert_eq!(again.code(), tonic::Code::Aborted);
        let _second = running.begin(1, 1).unwrap();
        let third = running.begin(1, 2).map(drop).unwrap_err();
        assert_eq!(third.code(), tonic::Code::ResourceExhausted);
        let _other = running.begin(2, 2).unwrap();
        drop(first);
        assert!(running.begin(1, 2).is_ok());
    }
}
