//! The configuration file: dockerd's `daemon.json`.

use crate::daemon::directives::{Directive, Kind, by_key};
use crate::daemon::error::DaemonError;
use crate::daemon::flags::Values;
use serde_json::{Map, Value};
use std::io;
use std::path::Path;

/// The largest file that is read.
const LIMIT_BYTES: u64 = 1 << 20;

/// Reads the file. One that is missing is empty if `optional`.
pub(crate) fn read(path: &Path, optional: bool) -> Result<Values, DaemonError> {
    let fail = |source| DaemonError::File { path: path.to_owned(), source };
    let text = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && optional => {
            return Ok(Values::new());
        }
        Err(error) => return Err(fail(error)),
        Ok(metadata) if metadata.len() > LIMIT_BYTES => {
            return Err(fail(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB")));
        }
        Ok(_) => std::fs::read_to_string(path).map_err(fail)?,
    };
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Values, DaemonError> {
    if text.trim().is_empty() {
        return Ok(Values::new());
    }
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|source| DaemonError::Json { path: path.to_owned(), source })?;
    let fail = |message: String| DaemonError::Directive { path: path.to_owned(), message };
    let unknown: Vec<&str> =
        object.keys().map(String::as_str).filter(|key| by_key(key).is_none()).collect();
    if !unknown.is_empty() {
        return Err(fail(format!(
            "the following directives don't match any configuration option: {}",
            unknown.join(", ")
        )));
    }
    let mut values = Values::new();
    for (key, value) in object {
        let Some(directive) = by_key(&key) else { continue };
        let texts = texts(directive, &value).ok_or_else(|| {
            fail(format!("\"{key}\" must be {}, not {value}", expected(directive)))
        })?;
        values.insert(directive.flag, texts);
    }
    Ok(values)
}

fn expected(directive: &Directive) -> &'static str {
    match directive.kind {
        Kind::Text => "a string or number",
        Kind::Switch => "true or false",
        Kind::List => "a list of strings or an object",
    }
}

/// The values of a directive as a flag would give them.
fn texts(directive: &Directive, value: &Value) -> Option<Vec<String>> {
    match (directive.kind, value) {
        (Kind::Switch, Value::Bool(on)) => Some(vec![on.to_string()]),
        (Kind::Text, value) => Some(vec![scalar(value)?]),
        (Kind::List, Value::Array(list)) => list.iter().map(element).collect(),
        (Kind::List, Value::Object(map)) => {
            map.iter().map(|(key, value)| Some(format!("{key}={}", entry(value)?))).collect()
        }
        _ => None,
    }
}

/// An element of a list: a scalar, or an object such as `{"base": "10.0.0.0/8", "size": 24}`.
fn element(value: &Value) -> Option<String> {
    let Value::Object(map) = value else { return scalar(value) };
    let pairs = map.iter().map(|(key, value)| Some(format!("{key}={}", scalar(value)?)));
    Some(pairs.collect::<Option<Vec<_>>>()?.join(","))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A value of an object: a scalar, or a ulimit `{"Soft": 1, "Hard": 2}`.
fn entry(value: &Value) -> Option<String> {
    match value {
        Value::Object(limit) => {
            Some(format!("{}:{}", limit.get("Soft")?.as_i64()?, limit.get("Hard")?.as_i64()?))
        }
        other => scalar(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Values, String> {
        parse(text, Path::new("/f.json")).map_err(|error| isopod_base::chain(&error).to_string())
    }

    #[test]
    fn directives() {
        let values = check(
            r#"{"hosts":["unix:///a"],"log-opts":{"max-size":"1m"},"init":true,
                "default-address-pools":[{"base":"10.0.0.0/8","size":24}],
                "default-ulimits":{"nofile":{"Name":"nofile","Hard":2,"Soft":1}}}"#,
        )
        .expect("valid");
        assert_eq!(values["host"], ["unix:///a"]);
        assert_eq!(values["log-opt"], ["max-size=1m"]);
        assert_eq!(values["init"], ["true"]);
        assert_eq!(values["default-address-pool"], ["base=10.0.0.0/8,size=24"]);
        assert_eq!(values["default-ulimit"], ["nofile=1:2"]);
        assert!(check("").expect("empty").is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("{\"bogus\":\"x\"}", "don't match any configuration option: bogus"),
            ("{\"hosts\":3}", "\"hosts\" must be a list of strings or an object, not 3"),
            ("{\"init\":\"yes\"}", "\"init\" must be true or false"),
            ("[]", "no valid JSON"),
            ("{\"hosts\":[}", "/f.json"),
        ] {
            let message = check(text).expect_err(text);
            assert!(message.contains(part), "{message}");
        }
    }
}
