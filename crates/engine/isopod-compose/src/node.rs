//! Values of a file that know where they stand.

use std::fmt;
use std::sync::Arc;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as the person knows it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// Where it begins.
    pub place: Place,
    /// How it merges with what was before.
    pub tag: Tag,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Fields in their order.
    Map(Vec<(String, Node)>),
}

/// Compose's tags of YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tag {
    /// None.
    #[default]
    None,
    /// `!reset`: what was before goes.
    Reset,
    /// `!override`: this stands in the place of what was before.
    Override,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Node {
    pub(crate) fn new(kind: Kind, place: &Place) -> Self {
        Self { kind, place: place.clone(), tag: Tag::None }
    }

    pub(crate) fn text(text: impl Into<String>, place: &Place) -> Self {
        Self::new(Kind::Text(text.into()), place)
    }

    /// A field of a map.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A field below others: `deploy.resources.limits`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, name| node.get(name))
    }

    /// The fields of a map; none, if it is no map.
    #[must_use]
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none, if it is no list.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            Kind::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self.kind {
            Kind::Float(number) => Some(number),
            Kind::Int(number) => Some(number as f64),
            _ => None,
        }
    }

    /// What a person would call it.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => value.to_string(),
            Kind::Int(number) => number.to_string(),
            Kind::Float(number) => number.to_string(),
            Kind::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Node) {
        if let Kind::Map(entries) = &mut self.kind {
            match entries.iter_mut().find(|(key, _)| key == name) {
                Some((_, known)) => *known = value,
                None => entries.push((name.to_owned(), value)),
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Node> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        let index = entries.iter().position(|(key, _)| key == name)?;
        Some(entries.remove(index).1)
    }

    /// The value as JSON, maps sorted: what hashes and `--format json` are made of.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(number) => Value::from(*number),
            Kind::Float(number) => Value::from(*number),
            Kind::Text(text) => Value::from(text.as_str()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            ),
        }
    }
}
