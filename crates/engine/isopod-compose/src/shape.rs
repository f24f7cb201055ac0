//! Shapes of fields, and bringing values into their long form: one place knows what a field may
//! be, so that the same table checks files, merges them and prints them.

use isopod_base::units::{parse_bytes, parse_duration};

use crate::error::{ComposeError, Result, Warning};
use crate::node::{Kind, Node, Place};

/// What a field may be.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Anything, kept as it is.
    Any,
    /// A text; numbers and switches are written out.
    Text,
    /// A switch.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// `1m30s`
    Duration,
    /// `64m`; the long form is a number of bytes.
    Bytes,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A list of texts.
    Words,
    /// A text or a list of texts; the long form is a list.
    WordOrWords,
    /// A command: a list, or a text that is split as a shell would.
    Command,
    /// A health check's test: a list, or a text for the shell.
    Test,
    /// Texts by name: a mapping, or a list of `NAME=VALUE`; no value means that it is taken from
    /// elsewhere.
    Pairs,
    /// Host names and addresses; the long form is a list of `NAME=ADDRESS`.
    Hosts,
    /// Values of one shape by free names.
    Named(&'static Shape),
    /// Likewise, or a list of names alone.
    NamedOrNames(&'static Shape),
    /// Fields.
    Object(&'static [Field]),
    /// A list.
    Items(&'static Items),
    /// A short form, or the long one.
    Short(Shorten, &'static Shape),
}

/// Makes the long form of a short one; one short form may mean several entries of a list.
pub(crate) type Shorten = fn(&Node) -> std::result::Result<Vec<Node>, String>;

/// A list, and which of its entries mean the same thing when files are merged.
pub(crate) struct Items {
    pub(crate) shape: Shape,
    /// A single one may stand without a list.
    pub(crate) single: bool,
    pub(crate) key: Option<fn(&Node) -> String>,
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) support: Support,
}

/// Whether a field does anything here.
#[derive(Clone, Copy)]
pub(crate) enum Support {
    /// It does.
    Yes,
    /// It does nothing, and that is worth a warning with this reason.
    Warn(&'static str),
    /// The project cannot be what it says without it.
    No(&'static str),
}

/// Brings a value into its long form, or says what is wrong with it.
pub(crate) fn canonical(
    node: Node,
    shape: Shape,
    field: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Node> {
    let place = node.place.clone();
    let tag = node.tag;
    let mut out = convert(node, shape, field, &place, warnings)?;
    out.tag = tag;
    Ok(out)
}

fn refuse<T>(place: &Place, field: &str, reason: impl Into<String>) -> Result<T> {
    Err(ComposeError::Field {
        place: place.clone(),
        field: field.to_owned(),
        reason: reason.into(),
    })
}

fn convert(
    node: Node,
    shape: Shape,
    field: &str,
    place: &Place,
    warnings: &mut Vec<Warning>,
) -> Result<Node> {
    let wrong = |node: &Node, expected: &str| {
        refuse(place, field, format!("invalid value {}: expected {expected}", node.describe()))
    };
    match shape {
        Shape::Any => Ok(node),
        Shape::Text => match scalar(&node) {
            Some(text) => Ok(Node::text(text, place)),
            None => wrong(&node, "a text"),
        },
        Shape::Bool => match &node.kind {
            Kind::Bool(_) => Ok(node),
            Kind::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "on" | "1" => Ok(Node::new(Kind::Bool(true), place)),
                "false" | "no" | "n" | "off" | "0" => Ok(Node::new(Kind::Bool(false), place)),
                _ => wrong(&node, "true or false"),
            },
            _ => wrong(&node, "true or false"),
        },
        Shape::Int => match node.as_int().or_else(|| node.as_str()?.trim().parse().ok()) {
            Some(number) => Ok(Node::new(Kind::Int(number), place)),
            None => wrong(&node, "a whole number"),
        },
        Shape::Number => match node.as_float().or_else(|| node.as_str()?.trim().parse().ok()) {
            Some(number) if number.is_finite() => Ok(Node::new(Kind::Float(number), place)),
            _ => wrong(&node, "a number"),
        },
        Shape::Duration => match scalar(&node) {
            Some(text) if parse_duration(&text).is_ok() => Ok(Node::text(text, place)),
            _ => wrong(&node, "a duration such as 1m30s"),
        },
        Shape::Bytes => match (&node.kind, scalar(&node)) {
            (Kind::Int(number), _) => Ok(Node::new(Kind::Int(*number), place)),
            (_, Some(text)) => match parse_bytes(&text) {
                Ok(bytes) => {
                    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
                    Ok(Node::new(Kind::Int(bytes), place))
                }
                Err(_) if text == "-1" => Ok(Node::new(Kind::Int(-1), place)),
                Err(_) => wrong(&node, "a size such as 64m or 1gb"),
            },
            _ => wrong(&node, "a size such as 64m or 1gb"),
        },
        Shape::Choice(choices) => match scalar(&node) {
            Some(text) if choices.contains(&text.as_str()) => Ok(Node::text(text, place)),
            _ => wrong(&node, &format!("one of {}", choices.join(", "))),
        },
        Shape::Words => words(node, false, field, place),
        Shape::WordOrWords => words(node, true, field, place),
        Shape::Command => match &node.kind {
            Kind::Text(text) => {
                let words = split(text).or_else(|reason| refuse(place, field, reason))?;
                let words = words.into_iter().map(|word| Node::text(word, place)).collect();
                Ok(Node::new(Kind::List(words), place))
            }
            _ => words(node, false, field, place),
        },
        Shape::Test => match &node.kind {
            Kind::Text(text) => {
                let words = vec![Node::text("CMD-SHELL", place), Node::text(text.clone(), place)];
                Ok(Node::new(Kind::List(words), place))
            }
            _ => {
                let list = words(node, false, field, place)?;
                let first = list.items().first().and_then(Node::as_str);
                if !matches!(first, None | Some("NONE" | "CMD" | "CMD-SHELL")) {
                    return wrong(&list.items()[0], "NONE, CMD or CMD-SHELL first");
                }
                Ok(list)
            }
        },
        Shape::Pairs => pairs(node, field, place),
        Shape::Hosts => hosts(node, field, place),
        Shape::Named(inner) => named(node, *inner, field, place, warnings),
        Shape::NamedOrNames(inner) => {
            if let Kind::List(names) = &node.kind {
                let mut entries: Vec<(String, Node)> = Vec::new();
                for name in names {
                    let Some(text) = scalar(name) else { return wrong(name, "a name") };
                    if entries.iter().any(|(known, _)| *known == text) {
                        return refuse(&name.place, field, format!("{text:?} is there twice"));
                    }
                    entries.push((text, Node::new(Kind::Null, &name.place)));
                }
                let map = Node::new(Kind::Map(entries), place);
                return named(map, *inner, field, place, warnings);
            }
            named(node, *inner, field, place, warnings)
        }
        Shape::Object(fields) => object(node, fields, field, place, warnings),
        Shape::Items(items) => {
            let entries = match node.kind {
                Kind::List(entries) => entries,
                _ if items.single => vec![node],
                _ => return wrong(&node, "a list"),
            };
            let mut out: Vec<Node> = Vec::new();
            for (index, entry) in entries.into_iter().enumerate() {
                let name = format!("{field}[{index}]");
                for long in lengthen(entry, items.shape, &name)? {
                    out.push(canonical(long, inner(items.shape), &name, warnings)?);
                }
            }
            Ok(Node::new(Kind::List(out), place))
        }
        Shape::Short(..) => {
            let mut longs = lengthen(node, shape, field)?;
            match longs.pop() {
                Some(long) if longs.is_empty() => {
                    convert(long, inner(shape), field, place, warnings)
                }
                _ => refuse(place, field, "expected a single value"),
            }
        }
    }
}

/// The shape of the long form.
fn inner(shape: Shape) -> Shape {
    match shape {
        Shape::Short(_, long) => *long,
        other => other,
    }
}

fn lengthen(node: Node, shape: Shape, field: &str) -> Result<Vec<Node>> {
    match shape {
        Shape::Short(shorten, _) if scalar(&node).is_some() => {
            shorten(&node).or_else(|reason| refuse(&node.place, field, reason))
        }
        _ => Ok(vec![node]),
    }
}

/// A scalar as text.
pub(crate) fn scalar(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Int(number) => Some(number.to_string()),
        Kind::Float(number) => Some(number.to_string()),
        Kind::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn words(node: Node, single: bool, field: &str, place: &Place) -> Result<Node> {
    let items = match node.kind {
        Kind::List(items) => items,
        _ if single && scalar(&node).is_some() => vec![node],
        _ => {
            let expected = if single { "a text or a list of texts" } else { "a list of texts" };
            let reason = format!("invalid value {}: expected {expected}", node.describe());
            return refuse(place, field, reason);
        }
    };
    let mut out = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match scalar(&item) {
            Some(text) => out.push(Node::text(text, &item.place)),
            None => {
                let reason = format!("invalid value {}: expected a text", item.describe());
                return refuse(&item.place, &format!("{field}[{index}]"), reason);
            }
        }
    }
    Ok(Node::new(Kind::List(out), place))
}

fn pairs(node: Node, field: &str, place: &Place) -> Result<Node> {
    let mut out = Node::new(Kind::Map(Vec::new()), place);
    match node.kind {
        Kind::Map(entries) => {
            for (name, value) in entries {
                let place = value.place.clone();
                let kind = match (&value.kind, scalar(&value)) {
                    (Kind::Null, _) => Kind::Null,
                    (_, Some(text)) => Kind::Text(text),
                    _ => {
                        let reason = format!("invalid value {}: expected a text", value.describe());
                        return refuse(&place, &format!("{field}.{name}"), reason);
                    }
                };
                out.set(&name, Node { tag: value.tag, ..Node::new(kind, &place) });
            }
        }
        Kind::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                let Some(text) = scalar(&item) else {
                    let reason = format!("invalid value {}: expected NAME=VALUE", item.describe());
                    return refuse(&item.place, &format!("{field}[{index}]"), reason);
                };
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Kind::Text(value.to_owned())),
                    None => (text, Kind::Null),
                };
                out.set(&name, Node::new(value, &item.place));
            }
        }
        Kind::Null => {}
        _ => {
            let reason = format!(
                "invalid value {}: expected a mapping, or a list of NAME=VALUE",
                node.describe()
            );
            return refuse(place, field, reason);
        }
    }
    Ok(out)
}

fn hosts(node: Node, field: &str, place: &Place) -> Result<Node> {
    let mut out = Vec::new();
    let mut add = |name: &str, address: &str, place: &Place| {
        let address = address.trim_start_matches('[').trim_end_matches(']');
        out.push(Node::text(format!("{name}={address}"), place));
    };
    match &node.kind {
        Kind::Map(entries) => {
            for (name, value) in entries {
                let addresses =
                    words(value.clone(), true, &format!("{field}.{name}"), &value.place)?;
                for address in addresses.items() {
                    add(name, address.as_str().unwrap_or_default(), &value.place);
                }
            }
        }
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let text = scalar(item).unwrap_or_default();
                match text.split_once('=').or_else(|| text.split_once(':')) {
                    Some((name, address)) => add(name, address, &item.place),
                    None => {
                        let reason =
                            format!("invalid value {}: expected HOST=ADDRESS", item.describe());
                        return refuse(&item.place, &format!("{field}[{index}]"), reason);
                    }
                }
            }
        }
        _ => {
            let reason =
                format!("invalid value {}: expected a list of HOST=ADDRESS", node.describe());
            return refuse(place, field, reason);
        }
    }
    Ok(Node::new(Kind::List(out), place))
}

/// The entries of a mapping; nothing is one without entries.
fn mapping(node: Node, field: &str, place: &Place) -> Result<Vec<(String, Node)>> {
    match node.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::Null => Ok(Vec::new()),
        _ => {
            let reason = format!("invalid value {}: expected a mapping", node.describe());
            refuse(place, field, reason)
        }
    }
}

fn named(
    node: Node,
    inner: Shape,
    field: &str,
    place: &Place,
    warnings: &mut Vec<Warning>,
) -> Result<Node> {
    let entries = mapping(node, field, place)?;
    let mut out = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        let valid = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !valid && matches!(field, "services" | "networks" | "volumes" | "secrets" | "configs") {
            let reason = "invalid name: expected letters, digits, and . _ -";
            return refuse(&value.place, &below, reason);
        }
        let value = match value.kind {
            Kind::Null => Node { tag: value.tag, ..Node::new(Kind::Map(Vec::new()), &value.place) },
            _ => value,
        };
        // Entries of free names without fields of their own are texts or objects.
        let value = match (inner, &value.kind) {
            (Shape::Text, Kind::Map(entries)) if entries.is_empty() => {
                Node { tag: value.tag, ..Node::text("", &value.place) }
            }
            _ => canonical(value, inner, &below, warnings)?,
        };
        out.push((name, value));
    }
    Ok(Node::new(Kind::Map(out), place))
}

fn object(
    node: Node,
    fields: &'static [Field],
    field: &str,
    place: &Place,
    warnings: &mut Vec<Warning>,
) -> Result<Node> {
    let entries = mapping(node, field, place)?;
    let mut out = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
        if name.starts_with("x-") {
            out.push((name, value));
            continue;
        }
        let Some(known) = fields.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = fields.iter().map(|known| known.name).collect();
            return refuse(&value.place, &below, unknown(&name, &names));
        };
        match known.support {
            Support::Yes => {}
            Support::Warn(reason) => warnings.push(Warning {
                place: Some(value.place.clone()),
                message: format!("{below}: it has no effect: {reason}"),
            }),
            Support::No(reason) => {
                return refuse(&value.place, &below, format!("not supported: {reason}"));
            }
        }
        let unset = matches!(value.kind, Kind::Null) && value.tag == crate::node::Tag::None;
        if unset && !matches!(known.shape, Shape::Any | Shape::Named(_) | Shape::NamedOrNames(_)) {
            continue;
        }
        // What is to be taken away need not look like anything.
        let value = match value.tag {
            crate::node::Tag::Reset => value,
            _ => canonical(value, known.shape, &below, warnings)?,
        };
        out.push((name, value));
    }
    Ok(Node::new(Kind::Map(out), place))
}

/// Says that a field is unknown, and which one may have been meant.
fn unknown(name: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (distance(name, known), known)).min();
    match near {
        Some((distance, near)) if distance <= 2 && distance < name.len() => {
            format!("unknown field: did you mean {near:?}?")
        }
        _ => "unknown field (fields of your own begin with x-)".to_owned(),
    }
}

/// Edits between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Splits a command as a shell would: quotes and backslashes.
pub(crate) fn split(text: &str) -> std::result::Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('"'), '\\') => match chars.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => word.get_or_insert_default().push(next),
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().extend(['\\', next]),
                None => return Err("a backslash stands at the end".to_owned()),
            },
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => match chars.next() {
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("a backslash stands at the end".to_owned()),
            },
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}
