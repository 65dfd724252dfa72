//! The body of a request, within its limits.

use std::{sync::Arc, time::Duration};

use bytes::Buf;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header::CONTENT_LENGTH};
use tokio::time::timeout;

use crate::limits::{NoMemory, Partial, Partials};

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than is taken.
    TooBig,
    /// It ended before its end.
    Incomplete,
    /// It did not come in time.
    Late,
    /// There is no memory for it.
    NoMemory,
}

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit<'a> {
    pub(crate) bytes: usize,
    /// In which it must be whole.
    pub(crate) time: Duration,
    /// What it takes from until it is whole.
    pub(crate) partials: &'a Arc<Partials>,
}

/// A body within a limit. One that is announced to be larger is not waited for.
pub(crate) async fn collect<B: Buf>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
    limit: BodyLimit<'_>,
) -> Result<Vec<u8>, BodyError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > limit.bytes as u64) {
        return Err(BodyError::TooBig);
    }
    timeout(limit.time, read(body, limit.bytes, limit.partials.begin()))
        .await
        .unwrap_or(Err(BodyError::Late))
}

async fn read<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    limit: usize,
    mut partial: Partial,
) -> Result<Vec<u8>, BodyError> {
    let mut body = std::pin::pin!(body);
    let mut bytes = Vec::new();
    while let Some(part) = body.next().await {
        let mut part = part.map_err(|_| BodyError::Incomplete)?;
        if bytes.len() + part.remaining() > limit {
            return Err(BodyError::TooBig);
        }
        let come = bytes.len() + part.remaining();
        partial.set(come).map_err(|NoMemory| BodyError::NoMemory)?;
        while part.has_remaining() {
            let chunk = part.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            part.advance(length);
        }
    }
    Ok(bytes)
}
