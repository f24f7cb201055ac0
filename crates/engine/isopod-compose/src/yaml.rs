//! YAML into nodes: anchors, merge keys, compose's tags; bounded.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{ComposeError, Result};
use crate::node::{Kind, Node, Place, Tag};

/// The largest file that is read.
pub const FILE_LIMIT_BYTES: usize = 4 << 20;
/// Nodes of one file, aliases counted each time.
const NODES_MAX: usize = 200_000;
const DEPTH_MAX: usize = 64;

/// Reads all documents of a file.
pub fn parse(text: &str, file: &str) -> Result<Vec<Node>> {
    let file: Arc<str> = file.into();
    let place = |line| Place { file: file.clone(), line };
    if text.len() > FILE_LIMIT_BYTES {
        let reason = format!("it is larger than {FILE_LIMIT_BYTES} bytes");
        return Err(ComposeError::Yaml { place: place(1), reason });
    }
    let mut events = Parser::new_from_str(text);
    let mut reader = Reader { file: file.clone(), anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next(&mut events)?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) => {
                let (event, span) = reader.next(&mut events)?;
                documents.push(reader.node(event, span, &mut events, 0)?);
            }
            _ => {
                let reason = "expected a document".to_owned();
                return Err(ComposeError::Yaml { place: place(span.start.line()), reason });
            }
        }
    }
}

struct Reader {
    file: Arc<str>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

type Events<'a> = Parser<'a, saphyr_parser::StrInput<'a>>;

impl Reader {
    fn next<'a>(&self, events: &mut Events<'a>) -> Result<(Event<'a>, Span)> {
        match events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(ComposeError::Yaml {
                place: self.place(error.marker().line()),
                reason: error.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn place(&self, line: usize) -> Place {
        Place { file: self.file.clone(), line: line.max(1) }
    }

    fn fail<T>(&self, place: &Place, reason: impl Into<String>) -> Result<T> {
        Err(ComposeError::Yaml { place: place.clone(), reason: reason.into() })
    }

    fn count(&mut self, node: &Node) -> Result<()> {
        self.nodes += size(node);
        if self.nodes > NODES_MAX {
            return self
                .fail(&node.place, format!("more than {NODES_MAX} values, aliases included"));
        }
        Ok(())
    }

    fn node<'a>(
        &mut self,
        event: Event<'a>,
        span: Span,
        events: &mut Events<'a>,
        depth: usize,
    ) -> Result<Node> {
        let place = self.place(span.start.line());
        if depth > DEPTH_MAX {
            return self.fail(&place, format!("nested more than {DEPTH_MAX} deep"));
        }
        let (kind, anchor, tag) = match event {
            Event::Alias(id) => {
                let Some(mut node) = self.anchors.get(&id).cloned() else {
                    return self.fail(&place, "an alias of what it is itself within");
                };
                node.place = place;
                self.count(&node)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let core = tag.as_ref().filter(|tag| tag.is_yaml_core_schema());
                let kind = match core.map(|tag| tag.suffix.as_str()) {
                    Some("str") => Kind::Text(text.into_owned()),
                    _ if style == ScalarStyle::Plain => plain(&text),
                    _ => Kind::Text(text.into_owned()),
                };
                (kind, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next(events)?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, span, events, depth + 1)?);
                }
                (Kind::List(items), anchor, tag)
            }
            Event::MappingStart(anchor, tag) => (self.mapping(events, depth)?, anchor, tag),
            _ => return self.fail(&place, "the document ends early"),
        };
        let tag = match tag.as_ref().map(|tag| (tag.handle.as_str(), tag.suffix.as_str())) {
            Some(("!", "reset")) => Tag::Reset,
            Some(("!", "override")) => Tag::Override,
            Some(("tag:yaml.org,2002:", _)) | None => Tag::None,
            Some((handle, suffix)) => {
                return self.fail(
                    &place,
                    format!("unknown tag {handle}{suffix}: expected !reset or !override"),
                );
            }
        };
        let node = Node { kind, place, tag };
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return self
                .fail(&node.place, format!("more than {NODES_MAX} values, aliases included"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn mapping(&mut self, events: &mut Events<'_>, depth: usize) -> Result<Kind> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next(events)?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span, events, depth + 1)?;
            let (event, span) = self.next(events)?;
            let mut value = self.node(event, span, events, depth + 1)?;
            let name = match &key.kind {
                Kind::Text(text) => text.clone(),
                Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => key.describe(),
                Kind::Null => "null".to_owned(),
                Kind::List(_) | Kind::Map(_) => {
                    return self.fail(&key.place, "a key must be a text");
                }
            };
            if name == "<<" {
                match value.kind {
                    Kind::List(items) => merged.extend(items),
                    _ => merged.push(value),
                }
                continue;
            }
            if entries.iter().any(|(known, _)| *known == name) {
                return self.fail(&key.place, format!("the key {name:?} is there twice"));
            }
            // A field stands where its name does.
            value.place = key.place;
            entries.push((name, value));
        }
        for other in merged {
            let Kind::Map(others) = other.kind else {
                return self.fail(&other.place, "<< takes a mapping, or a list of them");
            };
            for (name, value) in others {
                if !entries.iter().any(|(known, _)| *known == name) {
                    entries.push((name, value));
                }
            }
        }
        Ok(Kind::Map(entries))
    }
}

fn size(node: &Node) -> usize {
    let below: usize = match &node.kind {
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|(_, value)| size(value)).sum(),
        _ => 0,
    };
    below + 1
}

/// A plain scalar by YAML's core schema.
pub(crate) fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let decimal = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty();
    if decimal
        && (digits == "0" || !digits.starts_with('0'))
        && let Ok(number) = text.parse()
    {
        return Kind::Int(number);
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(number) =
            text.strip_prefix(prefix).and_then(|rest| i64::from_str_radix(rest, radix).ok())
        {
            return Kind::Int(number);
        }
    }
    // `0644` is a number to YAML 1.1, in which compose files are written.
    if decimal
        && digits.len() > 1
        && let Ok(number) = i64::from_str_radix(digits, 8)
    {
        return Kind::Int(if text.starts_with('-') { -number } else { number });
    }
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.bytes().any(|b| b.is_ascii_digit());
    if numeric && let Ok(number) = text.parse::<f64>() {
        return Kind::Float(number);
    }
    Kind::Text(text.to_owned())
}
