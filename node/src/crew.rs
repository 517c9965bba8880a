//! Threads that compute for minutes beside the node, at the lowest priority, and end when told.

use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::time::Duration;

use crate::preempt::{lower_priority, Control};

/// How long a node that stops waits for them. A thread that takes longer (one layer of a large batch
/// on a slow CPU) holds nothing that must be saved; the process's end ends it.
const STOP_LIMIT: Duration = Duration::from_millis(1_500);

/// Threads with one purpose. Dropped, they are stopped and waited for, for a moment.
pub struct Crew {
    control: Arc<Control>,
    /// Held by each thread while it works.
    working: Option<Sender<()>>,
    over: Receiver<()>,
}

impl Crew {
    /// A crew of nobody that obeys `control`.
    pub fn new(control: Arc<Control>) -> Self {
        let (working, over) = channel();
        Self {
            control,
            working: Some(working),
            over,
        }
    }

    /// Adds a thread. What it panics with is logged.
    pub fn spawn(&mut self, what: &'static str, work: impl FnOnce(&Control) + Send + 'static) {
        let (control, working) = (Arc::clone(&self.control), self.working.clone());
        std::thread::spawn(move || {
            let _working = working;
            lower_priority();
            let guarded = std::panic::AssertUnwindSafe(|| work(&control));
            if std::panic::catch_unwind(guarded).is_err() {
                tracing::error!("the {what} thread failed");
            }
        });
    }

    /// Tells all to stop, and does not wait.
    pub fn stop(&self) {
        self.control.stop();
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop();
        self.working = None;
        // Nobody sends: it ends with the last thread, or in time.
        if self.over.recv_timeout(STOP_LIMIT) == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("a computing thread is still in its layer; it is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_crew_has_stopped_its_threads() {
        let mut crew = Crew::new(Arc::default());
        let (ended, seen) = channel();
        for _ in 0..2 {
            let ended = ended.clone();
            crew.spawn("testing", move |control| {
                while control.may_go_on() {
                    std::thread::yield_now();
                }
                ended.send(()).unwrap();
            });
        }
        drop(crew);
        assert_eq!(seen.recv(), Ok(()));
        assert_eq!(seen.recv(), Ok(()));
    }

    #[test]
    fn a_thread_that_panics_is_waited_for_as_one_that_ended() {
        let mut crew = Crew::new(Arc::default());
        crew.spawn("testing", |_| panic!("on purpose"));
        crew.working = None;
        assert!(crew.over.recv().is_err());
    }
}
