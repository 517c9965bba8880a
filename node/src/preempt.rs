//! Who computes first on this machine: users' requests, then the race.
//!
//! Two means, each where the other does not reach:
//!
//! - Racing and checking threads have the lowest priority ([`lower_priority`]): on the CPU a request's
//!   threads get the cores at once, within a time slice, even in the middle of a batch of many seconds.
//! - While a request is computed ([`Preempt::begin`]), no racing thread begins a batch, and a short
//!   batch in flight is given up at its next layer: what counts on a device of its own, which knows
//!   no priorities.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// The lowest priority that there is.
const LOWEST: i32 = 19;

/// Gives this thread, and those that it starts from now on, the lowest priority.
pub fn lower_priority() {
    // On Linux a priority belongs to a thread; without a process id, to the calling one.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::warn!(%error, "racing threads keep the priority of the node; requests share the cores with them");
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Orders {
    paused: bool,
    stopped: bool,
}

/// What the threads of one race are told: to run, to pause, to stop.
#[derive(Default)]
pub struct Control {
    orders: Mutex<Orders>,
    changed: Condvar,
    stop: AtomicBool,
    interrupt: AtomicBool,
}

impl Control {
    /// Waits while paused; false once stopped.
    pub fn may_go_on(&self) -> bool {
        let orders = self
            .changed
            .wait_while(locked(&self.orders), |o| o.paused && !o.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        !orders.stopped
    }

    /// Stops for good.
    pub fn stop(&self) {
        self.order(|orders| orders.stopped = true);
    }

    fn pause(&self, paused: bool) {
        self.order(|orders| orders.paused = paused);
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        let mut orders = locked(&self.orders);
        change(&mut orders);
        self.stop.store(orders.stopped, Ordering::Relaxed);
        self.interrupt
            .store(orders.stopped || orders.paused, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Set once stopped: ends a batch that must not be given up for a pause.
    pub fn stop_flag(&self) -> &AtomicBool {
        &self.stop
    }

    /// Set while paused and once stopped: ends a batch that is tried again after a pause.
    pub fn interrupt_flag(&self) -> &AtomicBool {
        &self.interrupt
    }
}

#[derive(Default)]
struct Waiting {
    requests: usize,
    controls: Vec<Weak<Control>>,
}

/// Lets requests go before the race. Clones share it.
#[derive(Clone, Default)]
pub struct Preempt(Arc<Mutex<Waiting>>);

impl Preempt {
    /// A request is computed until the guard is dropped.
    pub fn begin(&self) -> Request {
        let mut waiting = locked(&self.0);
        waiting.requests = waiting.requests.saturating_add(1);
        waiting.tell();
        Request(self.clone())
    }

    /// `control` pauses while there are requests.
    pub fn governs(&self, control: &Arc<Control>) {
        let mut waiting = locked(&self.0);
        waiting.controls.push(Arc::downgrade(control));
        waiting.tell();
    }
}

impl Waiting {
    fn tell(&mut self) {
        let paused = self.requests > 0;
        self.controls.retain(|control| match control.upgrade() {
            Some(control) => {
                control.pause(paused);
                true
            }
            None => false,
        });
    }
}

/// A request that is being computed.
pub struct Request(Preempt);

impl Drop for Request {
    fn drop(&mut self) {
        let mut waiting = locked(&self.0 .0);
        waiting.requests = waiting.requests.saturating_sub(1);
        waiting.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interrupted(control: &Control) -> bool {
        control.interrupt_flag().load(Ordering::Relaxed)
    }

    #[test]
    fn the_race_pauses_until_the_last_request_is_done() {
        let preempt = Preempt::default();
        let control = Arc::new(Control::default());
        preempt.governs(&control);
        assert!(!interrupted(&control) && control.may_go_on());
        let first = preempt.begin();
        let second = preempt.clone().begin();
        drop(first);
        assert!(interrupted(&control));
        let waits = std::thread::spawn({
            let control = Arc::clone(&control);
            move || control.may_go_on()
        });
        drop(second);
        assert!(waits.join().unwrap(), "it goes on");
        assert!(!interrupted(&control));
    }

    #[test]
    fn a_race_that_starts_during_a_request_waits_for_it() {
        let preempt = Preempt::default();
        let request = preempt.begin();
        let control = Arc::new(Control::default());
        preempt.governs(&control);
        assert!(interrupted(&control));
        drop(request);
        assert!(!interrupted(&control));
    }

    #[test]
    fn a_pause_does_not_stop_and_a_stop_ends_a_pause() {
        let preempt = Preempt::default();
        let control = Arc::new(Control::default());
        preempt.governs(&control);
        let _request = preempt.begin();
        assert!(!control.stop_flag().load(Ordering::Relaxed));
        control.stop();
        assert!(!control.may_go_on());
        assert!(interrupted(&control) && control.stop_flag().load(Ordering::Relaxed));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lowered_thread_passes_its_priority_on_and_leaves_others_theirs() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let lowered = std::thread::spawn(move || {
            lower_priority();
            std::thread::spawn(priority).join().unwrap()
        });
        assert_eq!(lowered.join().unwrap(), LOWEST);
        assert_eq!(priority(), before);
    }
}
