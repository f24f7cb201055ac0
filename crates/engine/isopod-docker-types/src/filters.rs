//! The `filters` query parameter.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Filters by key. A key may have several values, of which one must match.
///
/// ```
/// use isopod_docker_types::Filters;
///
/// let new = Filters::parse(r#"{"label":["a=b"]}"#).unwrap();
/// let old = Filters::parse(r#"{"label":{"a=b":true}}"#).unwrap();
/// assert_eq!(new, old);
/// assert_eq!(new.to_json(), r#"{"label":{"a=b":true}}"#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, BTreeSet<String>>);

/// The parameter is no filter.
#[derive(Debug)]
pub struct FiltersError(serde_json::Error);

impl fmt::Display for FiltersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid filter: expected a JSON object of lists such as {{\"label\":[\"key=value\"]}}"
        )
    }
}

impl std::error::Error for FiltersError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The two shapes of a key's values: a list, and the older map to `true`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    List(Vec<String>),
    Map(BTreeMap<String, bool>),
}

impl Filters {
    /// Reads the parameter; an empty one is no filter.
    pub fn parse(json: &str) -> Result<Self, FiltersError> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        let raw: Option<BTreeMap<String, Option<Values>>> =
            serde_json::from_str(json).map_err(FiltersError)?;
        let mut filters = Self::default();
        for (key, values) in raw.unwrap_or_default() {
            let values = match values {
                None => BTreeSet::new(),
                Some(Values::List(list)) => list.into_iter().collect(),
                Some(Values::Map(map)) => {
                    map.into_iter().filter(|(_, on)| *on).map(|(value, _)| value).collect()
                }
            };
            filters.0.insert(key, values);
        }
        Ok(filters)
    }

    /// Adds a value.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.entry(key.into()).or_default().insert(value.into());
    }

    /// The values of a key.
    pub fn get(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flatten().map(String::as_str)
    }

    /// Whether the key has values.
    pub fn contains(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|values| !values.is_empty())
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameter, in the shape that every version of the API reads.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Set<'a>(BTreeMap<&'a str, BTreeMap<&'a str, bool>>);
        let set = self
            .0
            .iter()
            .map(|(key, values)| {
                (key.as_str(), values.iter().map(|v| (v.as_str(), true)).collect())
            })
            .collect();
        serde_json::to_string(&Set(set)).expect("maps of strings always serialize")
    }
}
