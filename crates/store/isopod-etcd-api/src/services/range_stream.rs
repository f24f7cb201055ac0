//! A range in pieces: of one revision, however long the client takes, and without a copy of all
//! of it in memory.

use isopod_etcd_client::proto::etcdserverpb::{RangeRequest, RangeResponse, RangeStreamResponse};
use isopod_mvcc::{RangeRequest as DomainRequest, Scan, SortOrder, SortTarget};
use tokio::sync::mpsc;

use crate::convert;
use crate::grpc::{Code, Status, encode};
use crate::method::{Call, Replies};

/// Pieces that may wait for a slow client.
const QUEUE: usize = 2;
/// Keys and bytes of a piece.
const PIECE_KEYS: usize = 10_000;
const PIECE_BYTES: usize = 1 << 20;

pub(crate) async fn range_stream(call: Call, request: RangeRequest) -> Result<Replies, Status> {
    let serializable = request.serializable;
    let request = convert::range_request(request)?;
    refuse_what_needs_the_whole(&request)?;
    if !serializable {
        call.linearize().await?;
    }
    // The number of keys comes with the last piece, so it is found out first.
    let count = DomainRequest { count_only: true, ..request.clone() };
    let (mut head, scan) = call.read(|state, actor| {
        state.check_range(actor, &request.range)?;
        Ok((state.range(&count)?, state.scan(request.range.clone(), request.revision)?))
    })?;
    let limit = match usize::try_from(request.limit) {
        Ok(limit @ 1..) => limit,
        _ => usize::MAX,
    };
    head.more = !request.count_only && usize::try_from(head.count).is_ok_and(|it| it > limit);
    let tail = convert::range_response(call.header(head.revision), head);
    let (replies, answers) = mpsc::channel(QUEUE);
    let limit = if request.count_only { 0 } else { limit };
    let pieces = Pieces { scan, left: limit, keys_only: request.keys_only, tail };
    tokio::spawn(pieces.send(call, replies));
    Ok(answers)
}

fn refuse_what_needs_the_whole(request: &DomainRequest) -> Result<(), Status> {
    let ordered = request.sort_order != SortOrder::None
        && (request.sort_target, request.sort_order) != (SortTarget::Key, SortOrder::Ascending);
    if ordered {
        let text = "RangeStream does not support custom sort orders";
        return Err(Status::fixed(Code::Unimplemented, text));
    }
    let bounds = [
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    ];
    if bounds.iter().any(|bound| *bound != 0) {
        let text = "RangeStream does not support revision filters";
        return Err(Status::fixed(Code::Unimplemented, text));
    }
    Ok(())
}

struct Pieces {
    scan: Scan,
    /// Keys that the limit still allows.
    left: usize,
    keys_only: bool,
    /// The last piece, without keys.
    tail: RangeResponse,
}

impl Pieces {
    async fn send(mut self, call: Call, replies: mpsc::Sender<Result<bytes::Bytes, Status>>) {
        while self.left > 0 {
            let max = self.left.min(PIECE_KEYS);
            let kvs = call
                .api
                .store
                .with_state(|state| state.scan_next(&mut self.scan, max, PIECE_BYTES));
            if kvs.is_empty() {
                break;
            }
            self.left -= kvs.len();
            let kvs = kvs.into_iter().map(convert::key_value).map(|mut kv| {
                if self.keys_only {
                    kv.value.clear();
                }
                kv
            });
            let piece = RangeResponse { kvs: kvs.collect(), ..Default::default() };
            if replies.send(Ok(frame(piece))).await.is_err() {
                return;
            }
        }
        replies.send(Ok(frame(self.tail))).await.ok();
    }
}

fn frame(piece: RangeResponse) -> bytes::Bytes {
    encode(&RangeStreamResponse { range_response: Some(piece) })
}
