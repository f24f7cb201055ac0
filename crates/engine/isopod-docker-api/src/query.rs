//! The query of a request, read as Docker reads it.

use crate::error::{ApiError, ApiResult};
use isopod_base::times::Timestamp;
use isopod_docker_types::Filters;

/// Decoded pairs of a query, in order.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes `a=1&b=2`.
    pub(crate) fn parse(text: &str) -> ApiResult<Self> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(key, true)?, decode(value, true)?))
            })
            .collect::<ApiResult<_>>()
            .map(Self)
    }

    /// The first value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The first value of a key unless it is empty.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Replaces the values of a key by one.
    pub(crate) fn set(&mut self, key: &str, value: String) {
        self.0.retain(|(name, _)| name != key);
        self.0.push((key.to_owned(), value));
    }

    /// Every value of a key.
    pub(crate) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a switch is on: anything but absence, `0`, `no`, `false` and `none`.
    pub(crate) fn switch(&self, key: &str) -> bool {
        self.switch_or(key, false)
    }

    /// Likewise, with a default for absence.
    pub(crate) fn switch_or(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.get(key) else { return default };
        let value = value.trim().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// A number, `None` when absent or empty.
    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> ApiResult<Option<T>> {
        match self.get(key) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("invalid value for '{key}': \"{text}\" is no number"))
            }),
        }
    }

    /// A point in time: Unix seconds with an optional fraction, or RFC 3339. 0 is none.
    pub(crate) fn time(&self, key: &str) -> ApiResult<Option<Timestamp>> {
        match self.get(key) {
            None | Some("" | "0") => Ok(None),
            Some(text) => parse_time(text).map(Some).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "invalid value for \"{key}\": failed to parse value \"{text}\" as timestamp or duration: expected Unix seconds or an RFC 3339 time"
                ))
            }),
        }
    }

    /// The `filters` parameter, limited to the keys that the operation knows.
    pub(crate) fn filters(&self, known: &[&str]) -> ApiResult<isopod_engine::Filters> {
        let filters = Filters::parse(self.get("filters").unwrap_or_default())
            .map_err(|error| ApiError::bad_request(isopod_base::chain(&error).to_string()))?;
        if let Some(key) = filters.keys().find(|key| !known.contains(key)) {
            return Err(ApiError::bad_request(format!("invalid filter '{key}'")));
        }
        Ok(filters
            .keys()
            .filter(|key| filters.contains(key))
            .map(|key| (key.to_owned(), filters.get(key).map(str::to_owned).collect()))
            .collect())
    }
}

/// Unix seconds with a fraction of up to nine digits, or RFC 3339.
fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = Timestamp::parse(text) {
        return Some(time);
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.len() > 9 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp::from_nanos(i128::from(seconds) * 1_000_000_000 + nanos))
}

/// Undoes percent-encoding; in a query `+` is a space.
pub(crate) fn decode(text: &str, query: bool) -> ApiResult<String> {
    let bad = || ApiError::bad_request(format!("invalid URL escape in \"{text}\""));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if query => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                u8::try_from(high * 16 + low).expect("two hexadecimal digits fit a byte")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_gos() {
        let query = Query::parse("a=1&b=0&c=&d=False&e=none&f=yes&g").expect("valid");
        let on: Vec<&str> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .into_iter()
            .filter(|k| query.switch(k))
            .collect();
        assert_eq!(on, ["a", "f"]);
        assert!(query.switch_or("h", true));
    }

    #[test]
    fn escapes() {
        let query = Query::parse("name=a%2Fb+c&x=%zz");
        assert!(query.is_err());
        let query = Query::parse("name=a%2Fb+c&name=d").expect("valid");
        assert_eq!(query.get("name"), Some("a/b c"));
        assert_eq!(query.all("name"), ["a/b c", "d"]);
        assert_eq!(decode("a+b%20c", false).expect("valid"), "a+b c");
        assert!(decode("%f", false).is_err());
    }

    #[test]
    fn times() {
        let time = |text: &str| parse_time(text).map(Timestamp::nanos);
        assert_eq!(time("5"), Some(5_000_000_000));
        assert_eq!(time("5.5"), Some(5_500_000_000));
        assert_eq!(time("1.000000001"), Some(1_000_000_001));
        assert_eq!(time("1970-01-01T00:00:02Z"), Some(2_000_000_000));
        assert_eq!(time("tomorrow"), None);
        assert_eq!(time("1.0000000001"), None);
    }
}
