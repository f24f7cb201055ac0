//! Queries and ranges of requests. Pure.

use crate::error::{ApiError, Code};
use crate::path::decode;

/// The pairs of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query; a pair that is not valid UTF-8 is an error.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let word = |text: &str| {
            decode(&text.replace('+', " "))
                .ok_or_else(|| ApiError::new(Code::Unsupported, "the query is not valid UTF-8"))
        };
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A digest's `+`, if any, and a scope's spaces come encoded.
            pairs.push((word(key)?, word(value)?));
        }
        Ok(Self(pairs))
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The number of entries wanted, if one is given.
    pub fn count(&self) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.get("n") else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::new(
                Code::PaginationNumberInvalid,
                format!("invalid number of results {text:?}: expected 0 or more"),
            )
        })
    }
}

/// Which bytes of a blob are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    All,
    /// From one position up to, and without, another.
    Part(u64, u64),
    /// None of these exist.
    Unsatisfiable,
}

impl Wanted {
    /// Reads a `Range` header for content of `size` bytes. Several ranges, and units other than
    /// bytes, are answered by the whole, as RFC 9110 allows.
    #[must_use]
    pub fn parse(header: Option<&str>, size: u64) -> Self {
        let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
            return Self::All;
        };
        let Some((first, last)) = range.trim().split_once('-') else { return Self::All };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        match (first.trim(), last.trim()) {
            ("", suffix) => match number(suffix) {
                None => Self::All,
                Some(0) => Self::Unsatisfiable,
                Some(_) if size == 0 => Self::Unsatisfiable,
                Some(count) => Self::Part(size.saturating_sub(count), size),
            },
            (first, "") => match number(first) {
                None => Self::All,
                Some(first) if first >= size => Self::Unsatisfiable,
                Some(first) => Self::Part(first, size),
            },
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => {
                    if first >= size {
                        return Self::Unsatisfiable;
                    }
                    Self::Part(first, last.saturating_add(1).min(size))
                }
                _ => Self::All,
            },
        }
    }
}

/// Reads the `Content-Range` of an uploaded chunk: `first-last`, both included. Docker's
/// `bytes first-last/total` is taken too.
pub fn chunk_range(header: &str) -> Result<(u64, u64), ApiError> {
    let text = header.trim();
    let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches(['=', ' ']));
    let text = text.split('/').next().unwrap_or_default();
    text.split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        .filter(|(first, last): &(u64, u64)| first <= last && *last < u64::MAX)
        .ok_or_else(|| {
            ApiError::new(
                Code::BlobUploadInvalid,
                format!("invalid Content-Range {header:?}: expected FIRST-LAST"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, wanted) in [
            ("bytes=0-0", Wanted::Part(0, 1)),
            ("bytes=2-5", Wanted::Part(2, 6)),
            ("bytes=2-", Wanted::Part(2, 10)),
            ("bytes=2-99", Wanted::Part(2, 10)),
            ("bytes=-3", Wanted::Part(7, 10)),
            ("bytes=-99", Wanted::Part(0, 10)),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=10-", Wanted::Unsatisfiable),
            ("bytes=10-12", Wanted::Unsatisfiable),
            ("bytes=5-2", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=x-1", Wanted::All),
        ] {
            assert_eq!(Wanted::parse(Some(header), 10), wanted, "{header}");
        }
        assert_eq!(Wanted::parse(None, 10), Wanted::All);
    }

    #[test]
    fn chunks() {
        for (header, range) in [
            ("0-9", Some((0, 9))),
            ("10-10", Some((10, 10))),
            ("bytes 5-9/100", Some((5, 9))),
            ("bytes=5-9", Some((5, 9))),
            ("9-5", None),
            ("5-", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(chunk_range(header).ok(), range, "{header}");
        }
    }

    #[test]
    fn queries() {
        let query = Query::parse("n=3&scope=a%3Ab&scope=c&x&y=1+2").expect("valid");
        assert_eq!(query.count().expect("valid"), Some(3));
        assert_eq!(query.all("scope").collect::<Vec<_>>(), ["a:b", "c"]);
        assert_eq!((query.get("x"), query.get("y"), query.get("z")), (Some(""), Some("1 2"), None));
        assert!(Query::parse("n=-1").expect("valid").count().is_err());
        assert!(Query::parse("a=%ff").is_err());
    }
}
