//! Requests passed on to the executors that were drawn: one connection a node, kept; a bound on how many
//! at once; and nothing said of why an executor is not there, since whoever registers an endpoint
//! could otherwise learn from here which ports are open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use race_proto::race::inference::v1 as pb;
use race_proto::race::inference::v1::inference_client::InferenceClient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::service::Events;

/// Requests passed on at once.
const AT_ONCE: usize = 64;
/// Connections kept: more than there are nodes in a committee.
const KEPT: usize = 256;
/// How long an executor may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an executor may take to say that it answers, or to take an acknowledgement.
const ACCEPT_LIMIT: Duration = Duration::from_secs(30);
/// How often a silent executor is asked whether it is there, and how long it may take to answer.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Connections to other nodes. Clones share them.
#[derive(Clone)]
pub struct Peers {
    channels: Arc<Mutex<BTreeMap<String, Channel>>>,
    turns: Arc<Semaphore>,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            channels: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

fn absent() -> Status {
    Status::unavailable("the executor does not answer; retry with the next attempt")
}

/// What the executor said, or that it is not there.
fn plain(status: Status) -> Status {
    // What this side's connection says carries its cause, what the other side said does not.
    match std::error::Error::source(&status) {
        Some(_) => absent(),
        None => status,
    }
}

impl Peers {
    fn turn(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.turns).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!(
                "this node passes on {AT_ONCE} requests already; ask the executor itself, or another node"
            ))
        })
    }

    fn client(&self, endpoint: &str) -> Result<InferenceClient<Channel>, Status> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(endpoint) {
            return Ok(InferenceClient::new(channel.clone()));
        }
        if channels.len() >= KEPT {
            channels.clear();
        }
        let channel = Endpoint::from_shared(format!("http://{endpoint}"))
            .map_err(|_| absent())?
            .connect_timeout(CONNECT_LIMIT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .connect_lazy();
        channels.insert(endpoint.to_owned(), channel.clone());
        Ok(InferenceClient::new(channel))
    }

    /// Has the executor at `endpoint` (`host:port`) answer.
    ///
    /// # Errors
    /// It refuses or is not there, or too many requests are passed on already.
    pub(super) async fn generate(
        &self,
        endpoint: &str,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Events, Status> {
        let turn = self.turn()?;
        let mut client = self.client(endpoint)?;
        let accepted = tokio::time::timeout(ACCEPT_LIMIT, client.generate(request)).await;
        let stream = accepted.map_err(|_| absent())?.map_err(plain)?.into_inner();
        Ok(Box::pin(stream.map(move |event| {
            let _held = &turn;
            event.map_err(plain)
        })))
    }

    /// Hands the executor at `endpoint` an acknowledgement.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub(super) async fn acknowledge(
        &self,
        endpoint: &str,
        request: Request<pb::AcknowledgeRequest>,
    ) -> Result<Response<pb::AcknowledgeResponse>, Status> {
        let _turn = self.turn()?;
        let mut client = self.client(endpoint)?;
        let taken = tokio::time::timeout(ACCEPT_LIMIT, client.acknowledge(request)).await;
        taken.map_err(|_| absent())?.map_err(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn acknowledged(peers: &Peers, endpoint: &str) -> Status {
        let request = Request::new(pb::AcknowledgeRequest::default());
        peers.acknowledge(endpoint, request).await.unwrap_err()
    }

    #[tokio::test]
    async fn why_an_executor_does_not_answer_is_not_told() {
        let peers = Peers::default();
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().to_string()
        };
        let refused = acknowledged(&peers, &closed).await;
        let nonsense = acknowledged(&peers, "not an address").await;
        assert_eq!(refused.code(), tonic::Code::Unavailable);
        assert_eq!(refused.message(), nonsense.message());
    }

    #[tokio::test]
    async fn only_so_many_requests_are_passed_on_at_once() {
        let peers = Peers::default();
        let held: Vec<_> = (0..AT_ONCE).map(|_| peers.turn().unwrap()).collect();
        let refused = acknowledged(&peers, "127.0.0.1:1").await;
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        drop(held);
        assert!(peers.turn().is_ok());
    }
}
