//! The newest committed state, for everything in the node that reads it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::protocol::View;

/// Hands out views of the newest committed state. Clones see the same.
#[derive(Clone)]
pub struct Latest(watch::Receiver<Arc<View>>);

impl Latest {
    /// A reader, and the writer that the commit feeds.
    pub fn new(first: View) -> (watch::Sender<Arc<View>>, Self) {
        let (sender, receiver) = watch::channel(Arc::new(first));
        (sender, Self(receiver))
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits for a view after the last one seen by this reader; `None` once the node stops.
    pub async fn changed(&mut self) -> Option<Arc<View>> {
        self.0.changed().await.ok()?;
        Some(Arc::clone(&self.0.borrow_and_update()))
    }
}
