//! Responses made of events that are already encoded: each event is encoded once, however many
//! watches it goes to.

use bytes::{BufMut, Bytes, BytesMut};
use isopod_etcd_client::proto::etcdserverpb::{ResponseHeader, WatchResponse};
use isopod_etcd_client::proto::mvccpb::Event;
use prost::Message;
use prost::encoding;

use crate::grpc::PREFIX;

/// The number of the field `events` in a `WatchResponse`.
const EVENTS: u32 = 11;

/// Events as they stand in a response, one after the other.
pub(super) fn encode_events(events: impl Iterator<Item = Event>) -> Bytes {
    let mut buffer = BytesMut::new();
    events.for_each(|event| encoding::message::encode(EVENTS, &event, &mut buffer));
    buffer.freeze()
}

/// The frames of a response to `watch`: one, unless it would be longer than `limit` and can be
/// divided between events. All but the last say that more follows.
pub(super) fn frames(
    header: ResponseHeader,
    watch: i64,
    events: &[Bytes],
    limit: usize,
) -> Vec<Bytes> {
    let head = WatchResponse { header: Some(header), watch_id: watch, ..Default::default() };
    let head_bytes = head.encoded_len() + 2;
    let total: usize = events.iter().map(Bytes::len).sum();
    if head_bytes + total < limit {
        return vec![frame(&head, events)];
    }
    let mut pieces: Vec<Vec<Bytes>> = vec![Vec::new()];
    let mut bytes = head_bytes;
    for event in events.iter().flat_map(|events| divide(events.clone())) {
        let piece = pieces.last_mut().expect("there is one at first");
        if !piece.is_empty() && bytes + event.len() >= limit {
            bytes = head_bytes + event.len();
            pieces.push(vec![event]);
        } else {
            bytes += event.len();
            piece.push(event);
        }
    }
    let last = pieces.len() - 1;
    let heads = (0..=last).map(|at| WatchResponse { fragment: at < last, ..head.clone() });
    heads.zip(pieces).map(|(head, piece)| frame(&head, &piece)).collect()
}

/// Encoded events one by one.
fn divide(mut events: Bytes) -> Vec<Bytes> {
    let mut found = Vec::new();
    while !events.is_empty() {
        let mut rest = &events[..];
        let (_, _) = encoding::decode_key(&mut rest).expect("events were encoded here");
        let length = encoding::decode_varint(&mut rest).expect("events were encoded here");
        let before = events.len() - rest.len();
        found.push(events.split_to(before + length as usize));
    }
    found
}

fn frame(head: &WatchResponse, events: &[Bytes]) -> Bytes {
    let length = head.encoded_len() + events.iter().map(Bytes::len).sum::<usize>();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("responses are below 4 GiB"));
    head.encode_raw(&mut frame);
    events.iter().for_each(|events| frame.put_slice(events));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use isopod_etcd_client::proto::mvccpb::KeyValue;

    use super::*;
    use crate::grpc::decode;

    fn event(key: &str) -> Event {
        let kv = KeyValue { key: key.to_owned().into(), ..Default::default() };
        Event { kv: Some(kv), ..Default::default() }
    }

    fn responses(limit: usize) -> Vec<WatchResponse> {
        let events = [
            encode_events([event("a"), event("b")].into_iter()),
            encode_events([event("c")].into_iter()),
        ];
        let header = ResponseHeader { revision: 7, ..Default::default() };
        let frames = frames(header, 3, &events, limit);
        frames.into_iter().map(|frame| decode(frame.slice(PREFIX..)).unwrap()).collect()
    }

    fn keys(response: &WatchResponse) -> String {
        let kvs = response.events.iter().filter_map(|event| event.kv.as_ref());
        kvs.map(|kv| String::from_utf8_lossy(&kv.key).into_owned()).collect()
    }

    #[test]
    fn one_response_when_it_fits() {
        let all = responses(usize::MAX);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].watch_id, keys(&all[0]).as_str()), (3, "abc"));
        assert_eq!(all[0].header.as_ref().unwrap().revision, 7);
        assert!(!all[0].fragment);
    }

    #[test]
    fn fragments_when_not_and_the_last_says_so() {
        let all = responses(1);
        assert_eq!(all.iter().map(keys).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(all.iter().map(|it| it.fragment).collect::<Vec<_>>(), [true, true, false]);
    }
}
