//! The engine itself.

use crate::body::Body;
use crate::call::{Call, Reply};
use crate::convert::system::{self, Counted};
use crate::convert::{event, registry, signed};
use crate::error::{ApiError, ApiResult};
use http::{HeaderValue, Response, header};
use isopod_docker_types as wire;
use isopod_engine as domain;

/// `GET` and `HEAD /_ping`. The common headers tell the versions.
pub(crate) async fn ping(_call: Call) -> ApiResult<Reply> {
    let mut response = Response::new(Body::Full("OK".into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert("builder-version", HeaderValue::from_static("1"));
    headers.insert("swarm", HeaderValue::from_static("inactive"));
    Ok(Reply::Http(response))
}

/// `GET /version`.
pub(crate) async fn version(call: Call) -> ApiResult<Reply> {
    Reply::ok(&system::version(call.api.engine.version()))
}

/// `GET /info`.
pub(crate) async fn info(call: Call) -> ApiResult<Reply> {
    let engine = &call.api.engine;
    Reply::ok(&system::info(engine.info().await?, engine.version()))
}

/// `GET /events`.
pub(crate) async fn events(call: Call) -> ApiResult<Reply> {
    let known = [
        "config",
        "container",
        "daemon",
        "event",
        "image",
        "label",
        "network",
        "node",
        "plugin",
        "scope",
        "secret",
        "service",
        "type",
        "volume",
    ];
    let request = domain::SubscribeEvents {
        since: call.query.time("since")?,
        until: call.query.time("until")?,
        filters: call.query.filters(&known)?,
    };
    if let (Some(since), Some(until)) = (request.since, request.until)
        && since > until
    {
        return Err(ApiError::bad_request(format!(
            "`since` time ({}) cannot be after `until` time ({})",
            since.seconds(),
            until.seconds()
        )));
    }
    let mut events = call.api.engine.events(request).await?;
    Reply::stream("application/json", |output| async move {
        while let Some(happened) = events.recv().await {
            output.send_line(&event::message(happened)).await?;
        }
        Ok(())
    })
}

/// `GET /system/df`.
pub(crate) async fn disk_usage(call: Call) -> ApiResult<Reply> {
    let types = call.query.all("type");
    let known = ["container", "image", "volume", "build-cache"];
    if let Some(unknown) = types.iter().find(|kind| !known.contains(&kind.as_str())) {
        return Err(ApiError::bad_request(format!("unknown object type: {unknown}")));
    }
    let asked = |kind: &str| types.is_empty() || types.iter().any(|asked| asked == kind);
    let counted = Counted {
        containers: asked("container"),
        images: asked("image"),
        volumes: asked("volume"),
        build_cache: asked("build-cache"),
    };
    let usage = call.api.engine.disk_usage().await?;
    let cached = counted.build_cache;
    let mut document = system::disk_usage(usage, counted, call.version);
    if cached {
        document.build_cache = Some(super::build::records(call.api.engine.build_cache().await?));
    }
    Reply::ok(&document)
}

/// `POST /auth`.
pub(crate) async fn auth(mut call: Call) -> ApiResult<Reply> {
    let config: wire::AuthConfig = call.json().await?;
    let auth =
        registry::auth(config)?.ok_or_else(|| ApiError::bad_request("the user name is missing"))?;
    let identity_token = call.api.engine.check_login(auth).await?;
    Reply::ok(&wire::AuthResponse { identity_token, status: "Login Succeeded".into() })
}

/// `GET /distribution/{name}/json`.
pub(crate) async fn distribution(call: Call) -> ApiResult<Reply> {
    let auth = call.registry_auth()?;
    let ((media_type, digest, size), platforms) =
        call.api.engine.inspect_distribution(&call.name, auth).await?;
    Reply::ok(&wire::DistributionInspect {
        descriptor: wire::Descriptor {
            media_type,
            digest,
            size: signed(size),
            ..wire::Descriptor::default()
        },
        platforms: platforms.iter().map(|text| platform(text)).collect(),
    })
}

/// `os/architecture[/variant]`.
fn platform(text: &str) -> wire::Platform {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    wire::Platform {
        os: part(),
        architecture: part(),
        variant: part(),
        ..wire::Platform::default()
    }
}
