//! One gRPC call: which method, how long, and its answer as an HTTP response.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;

use super::body::{ResponseBody, trailers};
use super::incoming::Requests;
use super::status::{Code, Status};
use crate::api::Api;
use crate::method::{self, Call, Handler};
use crate::peer::Peer;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Whether a request is a gRPC call.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Carries out a gRPC call.
pub(crate) async fn serve(
    api: Arc<Api>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    match answer(api, peer, request).await {
        Ok(body) => response(body, HeaderMap::new()),
        Err(status) => response(ResponseBody::Trailers, trailers(Some(&status))),
    }
}

async fn answer(
    api: Arc<Api>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<ResponseBody, Status> {
    let (head, body) = request.into_parts();
    let Some(method) = method::by_grpc_path(head.uri.path()) else {
        return Err(unknown(head.uri.path()));
    };
    if let Some(encoding) = head.headers.get("grpc-encoding").filter(|it| *it != "identity") {
        let encoding = encoding.to_str().unwrap_or_default();
        let text = format!("grpc: Decompressor is not installed for grpc-encoding {encoding:?}");
        return Err(Status::new(Code::Unimplemented, text));
    }
    method.admit(&api)?;
    let limit = api.limits.message_bytes();
    let metrics = api.metrics.clone();
    let call = Call::new(api, peer, &head.headers);
    let requests = Requests::framed(body, limit);
    let observed = metrics.call_started(method);
    let answer = match method.handler {
        Handler::Unary(handler) => {
            let work = async { handler(call, requests.only().await?).await };
            within(timeout(&head.headers)?, work).await.map(|it| ResponseBody::Unary(Some(it)))
        }
        Handler::Stream(handler) => {
            async { handler(call, requests.only().await?).await }.await.map(ResponseBody::Stream)
        }
        Handler::Duplex(handler) => handler(call, requests).await.map(ResponseBody::Stream),
    };
    observed.finished(answer.as_ref().err());
    answer
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let Some(limit) = limit else { return work.await };
    let expired = || Err(Status::new(Code::DeadlineExceeded, "context deadline exceeded"));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| expired())
}

/// The client's patience: up to eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(parse_timeout);
    let wrong = || Status::new(Code::Internal, format!("malformed grpc-timeout: {value:?}"));
    parsed.map(Some).ok_or_else(wrong)
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

fn unknown(path: &str) -> Status {
    let mut parts = path.trim_start_matches('/').rsplitn(2, '/');
    let method = parts.next().unwrap_or_default();
    let service = parts.next().unwrap_or_default();
    let text = match method::has_service(service) {
        true => format!("unknown method {method} for service {service}"),
        false => format!("unknown service {service}"),
    };
    Status::new(Code::Unimplemented, text)
}

fn response(body: ResponseBody, headers: HeaderMap) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        assert_eq!(parse_timeout("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in ["", "S", "5", "-1S", "123456789S", "5s", "\u{e4}"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }
}
