//! Errors in a registry's own words: the JSON of distribution-spec, "Error Codes".

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::challenge;

/// Longest body of an error that is read.
pub(crate) const MAX_BYTES: usize = 64 << 10;
/// Most errors of one answer that are kept.
const MAX_ERRORS: usize = 16;
/// Longest text of one error that is kept.
const MAX_TEXT: usize = 2 << 10;

/// The registry answered with an error status. Displays as docker does:
/// `manifest unknown: manifest unknown`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The first error's code, such as `MANIFEST_UNKNOWN`; empty when the body held none.
    pub code: String,
    text: String,
}

impl Answer {
    /// An answer put together from a code, for registries that send a bare status.
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status: status.as_u16(), code: code.to_owned(), text: words(code, message) }
    }

    /// Reads an error answer; `body` is what of it was read.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut errors = bearer_errors(status, headers);
        if errors.is_empty() {
            errors = body_errors(body);
        }
        errors.truncate(MAX_ERRORS);
        match errors.as_slice() {
            [] => Self::bare(status, body),
            [(code, message)] => Self::new(status, code, message),
            [(code, _), ..] => {
                let lines: Vec<String> =
                    errors.iter().map(|(code, message)| words(code, message)).collect();
                Self {
                    status: status.as_u16(),
                    code: code.clone(),
                    text: format!("errors:\n{}\n", lines.join("\n")),
                }
            }
        }
    }

    fn bare(status: StatusCode, body: &[u8]) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => {
                Self::new(status, "UNAUTHORIZED", "authentication required")
            }
            StatusCode::FORBIDDEN => {
                Self::new(status, "DENIED", "requested access to the resource is denied")
            }
            StatusCode::TOO_MANY_REQUESTS => {
                Self::new(status, "TOOMANYREQUESTS", "too many requests")
            }
            _ => {
                let mut text = format!("received unexpected HTTP status: {}", status.as_u16());
                if let Some(reason) = status.canonical_reason() {
                    text.push(' ');
                    text.push_str(reason);
                }
                let excerpt = printable(&String::from_utf8_lossy(body));
                if !excerpt.is_empty() && !excerpt.starts_with('<') {
                    text.push_str(": ");
                    text.push_str(&excerpt.chars().take(200).collect::<String>());
                }
                Self { status: status.as_u16(), code: String::new(), text }
            }
        }
    }

    /// Whether asking again may help.
    pub(crate) fn is_transient(&self) -> bool {
        is_transient_status(self.status)
    }
}

/// Statuses that a server means to be temporary.
pub(crate) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn words(code: &str, message: &str) -> String {
    let code = code.to_lowercase().replace('_', " ");
    match message {
        "" => format!("{code}: {code}"),
        _ => format!("{code}: {message}"),
    }
}

/// RFC 6750, section 3.1: a bearer challenge says why the token was not enough.
fn bearer_errors(status: StatusCode, headers: &HeaderMap) -> Vec<(String, String)> {
    if status != StatusCode::UNAUTHORIZED {
        return Vec::new();
    }
    for challenge in challenge::from_headers(headers) {
        let (code, standard) = match challenge.parameter("error") {
            Some("invalid_token") => ("UNAUTHORIZED", "authentication required"),
            Some("insufficient_scope") => ("DENIED", "requested access to the resource is denied"),
            _ => continue,
        };
        let message = challenge.parameter("error_description").unwrap_or(standard);
        return vec![(code.to_owned(), printable(message))];
    }
    Vec::new()
}

fn body_errors(body: &[u8]) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        errors: Vec<Entry>,
        /// Token servers and storage put one text here.
        #[serde(default)]
        details: Option<String>,
        #[serde(default)]
        message: Option<String>,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(parsed) = serde_json::from_slice::<Body>(body) else { return Vec::new() };
    if parsed.errors.is_empty() {
        let text = parsed.details.or(parsed.message).unwrap_or_default();
        return match text.is_empty() {
            true => Vec::new(),
            false => vec![("unauthorized".to_owned(), printable(&text))],
        };
    }
    parsed
        .errors
        .into_iter()
        .map(|entry| (printable(&entry.code), printable(&entry.message)))
        .collect()
}

/// Text from outside that goes to a terminal: without control characters, and not too long.
fn printable(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, challenge: &str, body: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        if !challenge.is_empty() {
            headers.insert("www-authenticate", challenge.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(Answer::read(status, &headers, body.as_bytes()).to_string(), expected);
    }

    #[test]
    fn reads_as_docker_prints() {
        check(
            404,
            "",
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}"#,
            "manifest unknown: manifest unknown",
        );
        check(401, r#"Basic realm="x""#, "", "unauthorized: authentication required");
        check(
            401,
            r#"Bearer realm="http://a/t",service="s",error="insufficient_scope""#,
            "",
            "denied: requested access to the resource is denied",
        );
        check(500, "", "", "received unexpected HTTP status: 500 Internal Server Error");
        check(
            500,
            "",
            "oh\x1b[31m no",
            "received unexpected HTTP status: 500 Internal Server Error: oh [31m no",
        );
        check(502, "", "<html>", "received unexpected HTTP status: 502 Bad Gateway");
        check(
            401,
            "",
            r#"{"details":"incorrect username or password"}"#,
            "unauthorized: incorrect username or password",
        );
        check(
            400,
            "",
            r#"{"errors":[{"code":"A_B","message":"x"},{"code":"C"}]}"#,
            "errors:\na b: x\nc: c\n",
        );
    }
}
