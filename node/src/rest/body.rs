//! The bodies of requests: how large one is, how slowly it may come, and how many bytes of all are held.
//! A body is read before its request has a place, so who sends slowly keeps nobody from one.

use std::time::Duration;

use axum::body::{Body, Bytes};
use bytes::BytesMut;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{timeout_at, Instant};
use tonic::Status;

use super::Refused;

/// What bodies may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body.
    pub bytes: usize,
    /// Bytes of all bodies of requests in progress.
    pub bytes_of_all: usize,
    /// How much of a body, or its end, must come in each `part_within`.
    pub part: usize,
    /// See `part`.
    pub part_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The largest transaction in base64, with room around it.
            bytes: 2 << 20,
            bytes_of_all: 64 << 20,
            part: 16 << 10,
            part_within: Duration::from_secs(5),
        }
    }
}

/// All bodies that are held.
#[derive(Debug)]
pub struct Bodies {
    limits: Limits,
    /// A permit is a byte.
    free: Semaphore,
}

/// A body that was read. It counts among all as long as it lives.
#[derive(Debug)]
pub struct Held<'a> {
    /// What came.
    pub bytes: Bytes,
    _room: SemaphorePermit<'a>,
}

impl Bodies {
    /// None held.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            free: Semaphore::new(limits.bytes_of_all),
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// It is too large, comes too slowly or breaks off, or others leave no room for it.
    pub async fn read(&self, mut body: Body) -> Result<Held<'_>, Refused> {
        let mut room = self.room(0)?;
        let mut bytes = BytesMut::new();
        let mut pace = Pace::new(self.limits, Instant::now());
        loop {
            let next = timeout_at(pace.due, body.frame()).await;
            let Some(frame) = next.map_err(|_| self.too_slow())? else {
                break;
            };
            let frame = frame.map_err(|error| {
                Status::invalid_argument(format!("the body cannot be read: {error}"))
            })?;
            // Trailers say nothing here.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len().saturating_add(data.len()) > self.limits.bytes {
                return Err(self.too_large());
            }
            room.merge(self.room(data.len())?);
            bytes.extend_from_slice(&data);
            pace.has(bytes.len(), Instant::now());
        }
        Ok(Held {
            bytes: bytes.freeze(),
            _room: room,
        })
    }

    fn room(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Status> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.free.try_acquire_many(bytes);
        room.map_err(|_| Status::unavailable("too many bodies are being read; try again"))
    }

    fn too_large(&self) -> Refused {
        let most = self.limits.bytes;
        Refused {
            http: StatusCode::PAYLOAD_TOO_LARGE,
            status: Status::invalid_argument(format!("a body has at most {most} bytes")),
        }
    }

    fn too_slow(&self) -> Refused {
        let (part, within) = (self.limits.part, self.limits.part_within);
        Refused {
            http: StatusCode::REQUEST_TIMEOUT,
            status: Status::deadline_exceeded(format!(
                "the body comes too slowly: {part} bytes of it, or its end, must come in each {within:?}"
            )),
        }
    }
}

/// When the next part of a body is due.
struct Pace {
    limits: Limits,
    due: Instant,
    /// How many bytes must be there by then.
    awaited: usize,
}

impl Pace {
    fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            due: now + limits.part_within,
            awaited: limits.part,
        }
    }

    /// So many bytes are there.
    fn has(&mut self, bytes: usize, now: Instant) {
        if bytes >= self.awaited {
            self.awaited = bytes.saturating_add(self.limits.part);
            self.due = now + self.limits.part_within;
        }
    }
}

#[cfg(test)]
mod tests;
