//! Watches: many on one stream, each with a number that its client chose or was given.
//!
//! One task for a stream: it takes requests, and sends what the store delivers. A client that
//! reads slowly holds up this task alone; the store then keeps its place, and it catches up later.

mod frame;
mod stream;

use tokio::sync::mpsc;

use crate::grpc::{Requests, Status};
use crate::method::{Call, Replies};
use stream::Stream;

/// The number of a watch that does not exist, in answers that are about none or about all.
const NO_WATCH: i64 = -1;
/// Responses that may wait for a slow client.
const QUEUE: usize = 16;
/// Events that may be on their way to one stream.
const WINDOW: usize = 1024;

pub(crate) async fn watch(call: Call, requests: Requests) -> Result<Replies, Status> {
    let (replies, answers) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut stream = Stream::new(call, replies.clone());
        let work = stream.serve(requests);
        tokio::select! {
            status = work => {
                if let Err(status) = status {
                    replies.send(Err(status)).await.ok();
                }
            }
            () = replies.closed() => {}
        }
    });
    Ok(answers)
}
