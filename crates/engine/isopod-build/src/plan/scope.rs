//! Variables: build arguments, those of the platform, and the environment.

use crate::request::Request;
use isopod_oci::image::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// Build arguments that need no `ARG`, and are kept out of history and cache.
const PREDEFINED: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Arguments that say something to the builder and need no `ARG` to count as used.
const OF_BUILDER: [&str; 3] =
    ["SOURCE_DATE_EPOCH", "BUILDKIT_INLINE_CACHE", "BUILDKIT_CONTEXT_KEEP_GIT_DIR"];

/// The arguments of a request, and which of them were used.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    request: &'a Request,
    platform: BTreeMap<&'static str, String>,
    used: BTreeSet<String>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(request: &'a Request, target: &str) -> Self {
        let mut platform = BTreeMap::new();
        let sides = [
            (&request.platform, ["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"]),
            (&request.build_platform, ["BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"]),
        ];
        for (side, [whole, os, arch, variant]) in sides {
            platform.insert(whole, text(side));
            platform.insert(os, side.os.clone());
            platform.insert(arch, side.architecture.clone());
            platform.insert(variant, side.variant.clone().unwrap_or_default());
        }
        platform.insert("TARGETSTAGE", target.to_owned());
        Self { request, platform, used: BTreeSet::new() }
    }

    /// The value that the request gives, or the platform's.
    pub(super) fn given(&mut self, name: &str) -> Option<String> {
        if let Some(value) = self.request.build_args.get(name) {
            self.used.insert(name.to_owned());
            return value.clone();
        }
        self.platform.get(name).cloned()
    }

    /// A variable of the platform, for `FROM`.
    pub(super) fn of_platform(&self, name: &str) -> Option<String> {
        let given = self.request.build_args.get(name).cloned().flatten();
        self.platform.get(name).map(|value| given.unwrap_or_else(|| value.clone()))
    }

    /// `NAME=value` of predefined arguments that were given and not declared.
    pub(super) fn predefined(&self, declared: &Scope) -> Vec<String> {
        self.request
            .build_args
            .iter()
            .filter(|(name, _)| PREDEFINED.contains(&name.as_str()))
            .filter(|(name, _)| !declared.args.contains_key(*name))
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
            .collect()
    }

    /// Whether commands may run without confinement.
    pub(super) fn allows_insecure(&self) -> bool {
        self.request.allow_insecure
    }

    /// Names that were given and never asked for.
    pub(super) fn unused(&self) -> Vec<String> {
        self.request
            .build_args
            .keys()
            .filter(|name| !self.used.contains(*name) && !self.platform.contains_key(name.as_str()))
            .filter(|name| !PREDEFINED.contains(&name.as_str()))
            .filter(|name| !OF_BUILDER.contains(&name.as_str()))
            .cloned()
            .collect()
    }
}

/// `linux/arm/v7`.
pub(super) fn text(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = platform.variant.as_deref().filter(|variant| !variant.is_empty()) {
        text.push('/');
        text.push_str(variant);
    }
    text
}

/// The arguments declared so far in a stage.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) args: BTreeMap<String, Option<String>>,
}

impl Scope {
    /// A variable's value: the environment's stands before an argument's.
    pub(super) fn get(&self, env: &[String], name: &str) -> Option<String> {
        of_env(env, name).or_else(|| self.args.get(name).cloned().flatten())
    }

    /// `NAME=value` of arguments that the environment does not have, by name.
    pub(super) fn for_run(&self, env: &[String]) -> Vec<String> {
        self.args
            .iter()
            .filter(|(name, _)| of_env(env, name).is_none())
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
            .collect()
    }
}

fn of_env(env: &[String], name: &str) -> Option<String> {
    env.iter().find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

/// Sets a variable of an environment.
pub(super) fn set_env(env: &mut Vec<String>, name: &str, value: &str) {
    let entry = format!("{name}={value}");
    let prefix = format!("{name}=");
    match env.iter_mut().find(|known| known.starts_with(&prefix)) {
        Some(known) => *known = entry,
        None => env.push(entry),
    }
}
