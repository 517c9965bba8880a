//! The one way in which long-running commands learn that they should end.

use tokio::signal::unix::{signal, SignalKind};

/// Resolves at Ctrl-C or SIGTERM with the signal's name.
pub async fn requested() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        // Without handlers the default action ends the process, which is the best that is left.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
