//! Services that ride in the engine's process because they share its store: one is asked for by
//! `POST /isopod/NAME` and lives for as long as the client keeps the answer open. What they are is
//! wired by the binary; this crate knows none of them.

use crate::body::{Body, Gone};
use crate::call::{Call, Reply};
use crate::error::{ApiError, ApiResult};
use bytes::Bytes;
use http::Response;
use isopod_images::Images;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Lines that may wait for a slow client.
const LINES: usize = 16;

/// A service at work.
pub type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A service.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    /// Its name in the path.
    pub name: &'static str,
    /// Serves, given the store and the request's body; what it sends is the answer. It ends when
    /// its future is dropped.
    pub serve: fn(Arc<Images>, Bytes, mpsc::Sender<Bytes>) -> Serving,
}

/// `POST /isopod/{name}`
pub(crate) async fn start(mut call: Call) -> ApiResult<Reply> {
    let extension = call
        .api
        .extensions
        .iter()
        .find(|extension| extension.name == call.name)
        .copied()
        .ok_or_else(|| ApiError::not_found("page not found"))?;
    let images = call.api.engine.images_store().clone();
    let request = call.bytes().await?;
    let body = Body::produced(move |output| async move {
        let (lines, mut coming) = mpsc::channel(LINES);
        let mut service = (extension.serve)(images, request, lines);
        loop {
            tokio::select! {
                () = &mut service => return Ok::<(), Gone>(()),
                Some(line) = coming.recv() => output.send(line).await?,
            }
        }
    });
    Ok(Reply::Http(Response::new(body)))
}
