//! Versions of the API: the prefix of a path, and what is served.

use crate::error::{ApiError, ApiResult};
use isopod_docker_types::{API_VERSION, MIN_API_VERSION};
use std::fmt;
use std::str::FromStr;

/// A version such as 1.44. They are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion(u32, u32);

impl ApiVersion {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self(major, minor)
    }

    /// What a request without a version gets.
    pub(crate) fn newest() -> Self {
        API_VERSION.parse().expect("the constant is a version")
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self(major.parse().map_err(|_| ())?, minor.parse().map_err(|_| ())?))
    }
}

/// Splits `/v1.44/containers/json` into the version and the rest.
pub(crate) fn split_path(path: &str) -> ApiResult<(ApiVersion, &str)> {
    let newest = ApiVersion::newest();
    let prefix = path
        .strip_prefix("/v")
        .and_then(|rest| rest.find('/').map(|slash| rest.split_at(slash)))
        .filter(|(version, _)| {
            !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        });
    let Some((text, rest)) = prefix else { return Ok((newest, path)) };
    let version: ApiVersion = text
        .parse()
        .map_err(|()| ApiError::bad_request(format!("invalid API version \"{text}\"")))?;
    if version > newest {
        return Err(ApiError::bad_request(format!(
            "client version {text} is too new. Maximum supported API version is {API_VERSION}"
        )));
    }
    let oldest: ApiVersion = MIN_API_VERSION.parse().expect("the constant is a version");
    if version < oldest {
        return Err(ApiError::bad_request(format!(
            "client version {text} is too old. Minimum supported API version is {MIN_API_VERSION}, please upgrade your client to a newer version"
        )));
    }
    Ok((version, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(split_path("/v1.44/info").expect("served"), (ApiVersion(1, 44), "/info"));
        assert_eq!(split_path("/info").expect("served"), (ApiVersion::newest(), "/info"));
        assert_eq!(split_path("/volumes").expect("served").1, "/volumes");
        let error = |path: &str| split_path(path).expect_err("refused").message;
        assert_eq!(
            error("/v1.99/info"),
            "client version 1.99 is too new. Maximum supported API version is 1.51"
        );
        assert!(error("/v1.12/info").starts_with("client version 1.12 is too old."));
        assert!(error("/v1.2.3/info").starts_with("invalid API version"));
        assert!(ApiVersion(1, 9) < ApiVersion(1, 10));
    }
}
