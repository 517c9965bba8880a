//! The log of a running node: text or JSON on standard output, with a filter that SIGHUP reads again.

use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, reload, EnvFilter, Layer, Registry};

use crate::config::LogFormat;
use crate::metrics::logged::Logged;

/// `log` is no filter.
#[derive(Debug, thiserror::Error)]
#[error("`log` is no filter: {0}; expected for instance info,cometbft=warn")]
pub struct FilterError(#[from] tracing_subscriber::filter::ParseError);

/// Changes the filter of the log that is being written.
pub struct Log(reload::Handle<EnvFilter, Registry>);

impl Log {
    /// Begins the log; `counted` sees its warnings and errors, those that the filter drops included.
    ///
    /// # Errors
    /// `filter` is none.
    pub fn begin(
        filter: &str,
        format: LogFormat,
        colours: bool,
        counted: Logged,
    ) -> Result<Self, FilterError> {
        let (log, lines) = Self::lines(filter, format, colours, std::io::stdout)?;
        let counted = counted.with_filter(tracing::level_filters::LevelFilter::WARN);
        tracing_subscriber::registry()
            .with(lines)
            .with(counted)
            .init();
        Ok(log)
    }

    /// What writes the lines.
    fn lines<W>(
        filter: &str,
        format: LogFormat,
        colours: bool,
        to: W,
    ) -> Result<(Self, impl Layer<Registry>), FilterError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let (filter, handle) = reload::Layer::new(EnvFilter::try_new(filter)?);
        let lines = fmt::layer().with_writer(to);
        let lines = match format {
            LogFormat::Text => lines.with_ansi(colours).boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        Ok((Self(handle), lines.with_filter(filter)))
    }

    /// At each SIGHUP, until the process ends: takes the filter that `read` gives.
    pub async fn follow_hangups(self, read: impl Fn() -> Result<String, String>) {
        let Ok(mut hangups) = signal(SignalKind::hangup()) else {
            tracing::warn!("SIGHUP cannot be listened for: it ends the node");
            return;
        };
        while hangups.recv().await.is_some() {
            match read().and_then(|filter| self.set(&filter)) {
                Ok(filter) => tracing::info!(filter, "the log has a new filter"),
                Err(error) => tracing::error!(error, "the log keeps its filter"),
            }
        }
    }

    fn set(&self, filter: &str) -> Result<String, String> {
        let new = EnvFilter::try_new(filter).map_err(|error| FilterError(error).to_string())?;
        let shown = new.to_string();
        self.0.reload(new).map_err(|error| error.to_string())?;
        Ok(shown)
    }
}

#[cfg(test)]
mod tests;
