//! What the user of a build asks for.

use isopod_images::platform;
use isopod_oci::image::Platform;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A build, apart from its files.
#[derive(Debug, Clone)]
pub struct Request {
    /// Last stage to build; the file's last, if absent.
    pub target: Option<String>,
    /// Values of `ARG`; `None` takes a value away.
    pub build_args: BTreeMap<String, Option<String>>,
    /// Labels to add to the image.
    pub labels: BTreeMap<String, String>,
    /// What the image is to run on.
    pub platform: Platform,
    /// What it is built on.
    pub build_platform: Platform,
    /// Whether steps are done again although they are known.
    pub no_cache: bool,
    /// Stages whose steps are done again.
    pub no_cache_stages: Vec<String>,
    /// Whether the result is one layer upon its base.
    pub squash: bool,
    /// Names of contexts besides the main one, which stand before stages and images.
    pub contexts: Vec<String>,
    /// Images to take for a name, from `--build-context name=docker-image://…`.
    pub replaced: BTreeMap<String, String>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Sockets of ssh agents by id.
    pub agents: BTreeMap<String, PathBuf>,
    /// Seconds since 1970 that everything is to be dated with.
    pub epoch: Option<i64>,
    /// Whether the image tells which steps made its layers, for `--cache-from`.
    pub inline_cache: bool,
    /// Whether `RUN --security=insecure` is allowed.
    pub allow_insecure: bool,
    /// Names to give to the image, canonical.
    pub names: Vec<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            target: None,
            build_args: BTreeMap::new(),
            labels: BTreeMap::new(),
            platform: platform::host(),
            build_platform: platform::host(),
            no_cache: false,
            no_cache_stages: Vec::new(),
            squash: false,
            contexts: Vec::new(),
            replaced: BTreeMap::new(),
            secrets: BTreeMap::new(),
            agents: BTreeMap::new(),
            epoch: None,
            inline_cache: false,
            allow_insecure: false,
            names: Vec::new(),
        }
    }
}
