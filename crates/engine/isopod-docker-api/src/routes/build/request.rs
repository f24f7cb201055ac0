//! The query and headers of a build.

use crate::call::Call;
use crate::convert::{host, registry};
use crate::error::{ApiError, ApiResult};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use isopod_docker_types as wire;
use isopod_engine::{self as domain, BuildImage, HostConfig};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Content type of a body with several trees, which isopod's own command line sends.
const BUNDLE: &str = "application/x-isopod-build";

/// Reads a request.
pub(super) fn read(call: &Call) -> ApiResult<BuildImage> {
    let query = &call.query;
    if query.get("version") == Some("2") {
        return Err(ApiError::not_implemented(
            "BuildKit's protocol is not supported yet: set DOCKER_BUILDKIT=0, or use isopod build",
        ));
    }
    if query.switch("squash") {
        return Err(ApiError::bad_request("squash is only supported with experimental mode"));
    }
    let isolation = query.text("isolation").unwrap_or_default();
    if !matches!(isolation.as_str(), "" | "default") {
        return Err(ApiError::bad_request(format!("Unsupported isolation: {isolation:?}")));
    }
    let content_type = call.headers.get(http::header::CONTENT_TYPE);
    let mut request = BuildImage {
        build: builder(call)?,
        dockerfile: query.text("dockerfile").unwrap_or_default(),
        remote: query.text("remote").unwrap_or_default(),
        tags: query.all("t").into_iter().filter(|tag| !tag.is_empty()).collect(),
        pull: query.switch("pull"),
        cache_from: json(call, "cachefrom")?,
        auths: auths(call)?,
        host: container(call)?,
        bundle: content_type.is_some_and(|kind| kind.as_bytes().starts_with(BUNDLE.as_bytes())),
    };
    // The command line of old sends the context of a remote build as this.
    if request.remote == "client-session" {
        return Err(ApiError::not_implemented("BuildKit's sessions are not supported yet"));
    }
    request.tags.dedup();
    Ok(request)
}

fn builder(call: &Call) -> ApiResult<isopod_build::Request> {
    let query = &call.query;
    let mut request = isopod_build::Request {
        target: query.text("target"),
        build_args: json(call, "buildargs")?,
        labels: json(call, "labels")?,
        no_cache: query.switch("nocache"),
        no_cache_stages: json(call, "nocachefilter")?,
        replaced: json(call, "contexts")?,
        agents: json(call, "agents")?,
        allow_insecure: query.switch("insecure"),
        inline_cache: query.switch("inlinecache"),
        ..isopod_build::Request::default()
    };
    if let Some(platform) = query.text("platform") {
        request.platform = isopod_images::platform::parse(&platform)
            .map_err(|error| ApiError::bad_request(error.to_string()))?;
    }
    let given = |name: &str| request.build_args.get(name).cloned().flatten();
    if given("BUILDKIT_INLINE_CACHE").is_some_and(|value| value == "1" || value == "true") {
        request.inline_cache = true;
    }
    if let Some(epoch) = given("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) {
        let seconds: Option<i64> = epoch.parse().ok().filter(|seconds| *seconds >= 0);
        request.epoch = Some(seconds.ok_or_else(|| {
            ApiError::bad_request(format!(
                "invalid SOURCE_DATE_EPOCH: {epoch:?}: expected seconds since 1970"
            ))
        })?);
    }
    Ok(request)
}

/// What the containers of `RUN` get.
fn container(call: &Call) -> ApiResult<HostConfig> {
    let query = &call.query;
    let limits = wire::Resources {
        memory: query.number("memory")?.unwrap_or(0),
        memory_swap: query.number("memswap")?.unwrap_or(0),
        cpu_shares: query.number("cpushares")?.unwrap_or(0),
        cpu_period: query.number("cpuperiod")?.unwrap_or(0),
        cpu_quota: query.number("cpuquota")?.unwrap_or(0),
        cpuset_cpus: query.text("cpusetcpus").unwrap_or_default(),
        cpuset_mems: query.text("cpusetmems").unwrap_or_default(),
        cgroup_parent: query.text("cgroupparent").unwrap_or_default(),
        ulimits: json(call, "ulimits")?,
        ..wire::Resources::default()
    };
    let hosts = query.all("extrahosts");
    Ok(HostConfig {
        resources: host::resources(limits, call.version)?,
        network_mode: query.text("networkmode").unwrap_or_default().into(),
        shm_size_bytes: query.number("shmsize")?.unwrap_or(0),
        // One that ends in the engine's own gateway is resolved by the engine.
        extra_hosts: hosts
            .iter()
            .flat_map(|list| list.split(','))
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect(),
        security_opt: json(call, "securityopt")?,
        ..HostConfig::default()
    })
}

/// A parameter that is a JSON document; absent and empty ones are the zero value.
fn json<T: DeserializeOwned + Default>(call: &Call, name: &str) -> ApiResult<T> {
    match call.query.text(name) {
        None => Ok(T::default()),
        Some(text) => serde_json::from_str::<Option<T>>(&text)
            .map(Option::unwrap_or_default)
            .map_err(|error| ApiError::bad_request(format!("error reading {name}: {error}"))),
    }
}

/// `X-Registry-Config`: credentials by registry.
fn auths(call: &Call) -> ApiResult<BTreeMap<String, domain::RegistryAuth>> {
    let mut auths = BTreeMap::new();
    let Some(header) = call.headers.get("x-registry-config") else { return Ok(auths) };
    let text = header.as_bytes();
    // What cannot be read counts as none, since clients send all sorts of empty values.
    let Ok(json) = URL_SAFE.decode(text).or_else(|_| STANDARD.decode(text)) else {
        return Ok(auths);
    };
    let Ok(configs) = serde_json::from_slice::<BTreeMap<String, wire::AuthConfig>>(&json) else {
        return Ok(auths);
    };
    for (server, config) in configs {
        let Some(auth) = registry::auth(config)? else { continue };
        let server = server.trim_start_matches("https://").trim_start_matches("http://");
        let domain = match server.split('/').next().unwrap_or_default() {
            "" | "index.docker.io" | "registry-1.docker.io" => "docker.io",
            other => other,
        };
        auths.insert(domain.to_owned(), auth);
    }
    Ok(auths)
}
