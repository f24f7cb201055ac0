//! The query of a build.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::inputs::{Inputs, Source};
use crate::args::Parsed;
use crate::container::{extra_host, ulimit};
use isopod_client::query;

/// The path of the request.
pub(super) fn path(
    flags: &Parsed,
    inputs: &Inputs,
    cache_from: &[String],
    inline: bool,
) -> Result<String> {
    let json = |value: &dyn erased::Json| value.text();
    let mut pairs: Vec<(&str, String)> = vec![("events", "1".to_owned())];
    pairs.extend(flags.list("tag").iter().map(|tag| ("t", tag.clone())));
    pairs.push(("dockerfile", inputs.dockerfile.clone().unwrap_or_default()));
    if let Source::Url(url) = &inputs.source {
        pairs.push(("remote", url.clone()));
    }
    for (parameter, flag) in [
        ("target", "target"),
        ("platform", "platform"),
        ("cgroupparent", "cgroup-parent"),
        ("cpusetcpus", "cpuset-cpus"),
        ("cpusetmems", "cpuset-mems"),
        ("cpuperiod", "cpu-period"),
        ("cpuquota", "cpu-quota"),
        ("cpushares", "cpu-shares"),
    ] {
        pairs.push((parameter, flags.text(flag)));
    }
    for (parameter, flag) in
        [("memory", "memory"), ("memswap", "memory-swap"), ("shmsize", "shm-size")]
    {
        if flags.given(flag) {
            pairs.push((parameter, flags.bytes(flag).to_string()));
        }
    }
    for (parameter, flag) in [("nocache", "no-cache"), ("pull", "pull")] {
        if flags.on(flag) {
            pairs.push((parameter, "1".to_owned()));
        }
    }
    let network = flags.text("network");
    if network != "default" {
        pairs.push(("networkmode", network));
    }
    for host in flags.list("add-host") {
        pairs.push(("extrahosts", extra_host(host)));
    }
    for allowed in flags.list("allow") {
        match allowed.as_str() {
            "security.insecure" => pairs.push(("insecure", "1".to_owned())),
            "network.host" => {}
            other => bail!("--allow {other}: expected security.insecure or network.host"),
        }
    }
    if inline {
        pairs.push(("inlinecache", "1".to_owned()));
    }
    let ulimits: Vec<_> =
        flags.list("ulimit").iter().filter_map(|text| ulimit(text).ok()).collect();
    for (parameter, text, empty) in [
        ("buildargs", json(&build_args(flags)), build_args(flags).is_empty()),
        ("labels", json(&labels(flags)), flags.list("label").is_empty()),
        ("cachefrom", json(&cache_from.to_vec()), cache_from.is_empty()),
        (
            "nocachefilter",
            json(&flags.list("no-cache-filter").to_vec()),
            flags.list("no-cache-filter").is_empty(),
        ),
        (
            "securityopt",
            json(&flags.list("security-opt").to_vec()),
            flags.list("security-opt").is_empty(),
        ),
        ("ulimits", json(&ulimits), ulimits.is_empty()),
        ("contexts", json(&inputs.replaced), inputs.replaced.is_empty()),
        ("agents", json(&inputs.agents), inputs.agents.is_empty()),
    ] {
        if !empty {
            pairs.push((parameter, text.context("encode the request")?));
        }
    }
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    Ok(format!("/build{}", query(&pairs)))
}

/// `NAME=VALUE`; a bare name takes the environment's value, if there is one.
fn build_args(flags: &Parsed) -> BTreeMap<String, Option<String>> {
    let mut args = BTreeMap::new();
    for text in flags.list("build-arg") {
        match text.split_once('=') {
            Some((name, value)) => _ = args.insert(name.to_owned(), Some(value.to_owned())),
            None => {
                if let Ok(value) = std::env::var(text) {
                    args.insert(text.clone(), Some(value));
                }
            }
        }
    }
    if !args.contains_key("SOURCE_DATE_EPOCH")
        && let Ok(epoch) = std::env::var("SOURCE_DATE_EPOCH")
    {
        args.insert("SOURCE_DATE_EPOCH".to_owned(), Some(epoch));
    }
    args
}

fn labels(flags: &Parsed) -> BTreeMap<String, String> {
    flags
        .list("label")
        .iter()
        .map(|text| text.split_once('=').unwrap_or((text, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Documents of different types in one table.
mod erased {
    pub(super) trait Json {
        fn text(&self) -> Result<String, serde_json::Error>;
    }

    impl<T: serde::Serialize> Json for T {
        fn text(&self) -> Result<String, serde_json::Error> {
            serde_json::to_string(self)
        }
    }
}
