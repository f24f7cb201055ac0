//! The JSON gateway: `POST /v3/…` with a message as JSON, for clients without gRPC.
//!
//! A request becomes an encoded message for the same handler that gRPC calls, and its answer is
//! turned back: 64-bit numbers as strings, bytes in base64, fields by the names in the protocol's
//! files, empty ones left out. Streams are a JSON document a line.

mod transcode;
mod values;

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method as HttpMethod, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::api::Api;
use crate::grpc::{Code, PREFIX, ResponseBody, Status};
use crate::method::{self, Call, Handler, Method, Replies};
use crate::peer::Peer;
use transcode::Transcoder;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Lines that may wait for a slow client.
const QUEUE: usize = 16;

/// Whether a path belongs to the gateway.
pub(crate) fn is_gateway(path: &str) -> bool {
    path.starts_with("/v3/")
}

/// Carries out a call in JSON.
pub(crate) async fn serve(
    api: Arc<Api>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let Some(method) = method::by_http_path(request.uri().path()) else {
        return refusal(StatusCode::NOT_FOUND, &Status::new(Code::NotFound, "Not Found"));
    };
    if request.method() != HttpMethod::POST {
        let status = Status::new(Code::Unimplemented, "Method Not Allowed");
        return refusal(StatusCode::METHOD_NOT_ALLOWED, &status);
    }
    match answer(api, peer, method, request).await {
        Ok(body) => response(StatusCode::OK, body),
        Err(status) => {
            let http = StatusCode::from_u16(status.code.http_status());
            refusal(http.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &status)
        }
    }
}

async fn answer(
    api: Arc<Api>,
    peer: &Peer,
    method: &'static Method,
    request: Request<Incoming>,
) -> Result<ResponseBody, Status> {
    method.admit(&api)?;
    let limit = api.limits.message_bytes();
    let metrics = api.metrics.clone();
    let (head, body) = request.into_parts();
    let call = Call::new(api, peer, &head.headers);
    let transcoder = Transcoder::of(method);
    let observed = metrics.call_started(method);
    let answer = match method.handler {
        Handler::Unary(handler) => {
            let message = transcoder.request(&whole(body, limit).await?)?;
            handler(call, message)
                .await
                .and_then(|frame| transcoder.answer(&frame[PREFIX..]))
                .map(|json| ResponseBody::Plain(Some(json)))
        }
        Handler::Stream(handler) => {
            let message = transcoder.request(&whole(body, limit).await?)?;
            handler(call, message).await.map(|replies| lines(transcoder, replies))
        }
        Handler::Duplex(handler) => {
            let requests = values::messages(transcoder.clone(), body, limit);
            handler(call, requests).await.map(|replies| lines(transcoder, replies))
        }
    };
    observed.finished(answer.as_ref().err());
    answer
}

/// JSON takes more room than the message in it: bytes in base64, a third more, and names.
async fn whole(body: Incoming, limit: usize) -> Result<Bytes, Status> {
    let limited = Limited::new(body, limit.saturating_mul(2));
    let collected = limited.collect().await.map_err(|error| {
        Status::new(Code::InvalidArgument, format!("the body cannot be read: {error}"))
    })?;
    Ok(collected.to_bytes())
}

/// Each answer as a line of its own, an error as the last one.
fn lines(transcoder: Transcoder, mut replies: Replies) -> ResponseBody {
    let (sender, lines) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        loop {
            let reply = tokio::select! {
                reply = replies.recv() => reply,
                () = sender.closed() => return,
            };
            let Some(reply) = reply else { return };
            let line = reply.and_then(|frame| transcoder.line(&frame[PREFIX..]));
            let (line, last) = match line {
                Ok(line) => (line, false),
                Err(status) => (transcode::error_line(&status), true),
            };
            if sender.send(Ok(line)).await.is_err() || last {
                return;
            }
        }
    });
    ResponseBody::Lines(lines)
}

fn refusal(http: StatusCode, status: &Status) -> Response<ResponseBody> {
    response(http, ResponseBody::Plain(Some(transcode::error(status))))
}

fn response(http: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = http;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
