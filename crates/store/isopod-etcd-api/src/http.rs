//! What is neither gRPC nor its gateway: health, version, figures.

mod checks;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::json;

use crate::api::Api;
use crate::grpc::ResponseBody;
use crate::metrics;
use crate::version::{CLUSTER_VERSION, SERVER_VERSION};

/// Answers a plain HTTP request.
pub(crate) async fn serve(api: Arc<Api>, method: &Method, uri: &Uri) -> Response<ResponseBody> {
    let path = uri.path();
    let known = matches!(path, "/health" | "/version" | "/metrics") || checks::is_check(path);
    if !known {
        return text(StatusCode::NOT_FOUND, "404 page not found\n".to_owned());
    }
    if method != Method::GET {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    match path {
        "/health" => health(&api, uri).await,
        "/version" => json_response(
            StatusCode::OK,
            json!({ "etcdserver": SERVER_VERSION, "etcdcluster": CLUSTER_VERSION }).to_string(),
        ),
        "/metrics" => {
            let mut response = text(StatusCode::OK, metrics::render(&api));
            let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, format);
            response
        }
        _ => match checks::run(&api, path, &excluded(uri)).await {
            Ok(report) => {
                let verbose = query(uri).any(|(name, _)| name == "verbose");
                let report = if verbose { report } else { String::new() };
                text(StatusCode::OK, format!("{report}ok\n"))
            }
            Err(report) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{report}\n")),
        },
    }
}

async fn health(api: &Api, uri: &Uri) -> Response<ResponseBody> {
    let serializable = query(uri).any(|it| it == ("serializable", "true"));
    let reason = checks::unhealthy(api, serializable, &excluded(uri)).await;
    let counter = match reason {
        None => &api.metrics.health_success,
        Some(_) => &api.metrics.health_failures,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    match reason {
        None => json_response(StatusCode::OK, r#"{"health":"true","reason":""}"#.to_owned()),
        Some(reason) => json_response(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{}\n", json!({ "health": "false", "reason": reason })),
        ),
    }
}

fn excluded(uri: &Uri) -> Vec<&str> {
    query(uri).filter(|(name, _)| *name == "exclude").map(|(_, value)| value).collect()
}

fn query(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let pairs = uri.query().unwrap_or_default().split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn text(status: StatusCode, text: String) -> Response<ResponseBody> {
    respond(status, "text/plain; charset=utf-8", text)
}

fn json_response(status: StatusCode, text: String) -> Response<ResponseBody> {
    respond(status, "application/json", text)
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Plain(Some(Bytes::from(text))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
