//! One file over another: the merge rules of the compose specification, on long forms.

use crate::node::{Kind, Node, Tag};
use crate::shape::Shape;

/// Puts `over` over `base`.
pub(crate) fn merge(base: Node, over: Node, shape: Shape) -> Node {
    match over.tag {
        Tag::Override => return plain(over),
        Tag::Reset => return Node { kind: Kind::Null, tag: Tag::None, ..over },
        Tag::None => {}
    }
    match shape {
        Shape::Object(fields) => maps(base, over, |name| {
            fields.iter().find(|field| field.name == name).map_or(Shape::Any, |field| field.shape)
        }),
        Shape::Named(inner) | Shape::NamedOrNames(inner) => maps(base, over, |_| *inner),
        Shape::Pairs => maps(base, over, |_| Shape::Text),
        Shape::Short(_, long) => merge(base, over, *long),
        Shape::Words | Shape::WordOrWords | Shape::Hosts => lists(base, over, Shape::Any, None),
        Shape::Items(items) => lists(base, over, items.shape, items.key),
        Shape::Any if matches!((&base.kind, &over.kind), (Kind::Map(_), Kind::Map(_))) => {
            maps(base, over, |_| Shape::Any)
        }
        _ => over,
    }
}

fn maps(base: Node, over: Node, shape_of: impl Fn(&str) -> Shape) -> Node {
    let (mut entries, others) = match (base.kind, over.kind) {
        (Kind::Map(entries), Kind::Map(others)) => (entries, others),
        (_, kind) => return Node { kind, ..over },
    };
    for (name, value) in others {
        let index = entries.iter().position(|(known, _)| *known == name);
        match (index, value.tag) {
            (Some(index), Tag::Reset) => {
                entries.remove(index);
            }
            (None, Tag::Reset) => {}
            (Some(index), _) => {
                let (name, known) = entries.remove(index);
                let merged = merge(known, value, shape_of(&name));
                entries.insert(index, (name, merged));
            }
            (None, _) => entries.push((name, plain(value))),
        }
    }
    Node { kind: Kind::Map(entries), place: over.place, tag: Tag::None }
}

fn lists(base: Node, over: Node, shape: Shape, key: Option<fn(&Node) -> String>) -> Node {
    let (mut items, others) = match (base.kind, over.kind) {
        (Kind::List(items), Kind::List(others)) => (items, others),
        (_, kind) => return Node { kind, ..over },
    };
    for other in others {
        let same = items.iter().position(|item| match key {
            Some(key) => key(item) == key(&other),
            None => *item == other,
        });
        match same {
            Some(index) if key.is_some() => {
                let known = items.remove(index);
                items.insert(index, merge(known, other, shape));
            }
            Some(_) => {}
            None => items.push(plain(other)),
        }
    }
    Node { kind: Kind::List(items), place: over.place, tag: Tag::None }
}

/// Without tags: what `!reset` marks goes.
pub(crate) fn plain(node: Node) -> Node {
    let kind = match node.kind {
        Kind::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .filter(|(_, value)| value.tag != Tag::Reset)
                .map(|(name, value)| (name, plain(value)))
                .collect(),
        ),
        Kind::List(items) => {
            Kind::List(items.into_iter().filter(|item| item.tag != Tag::Reset).map(plain).collect())
        }
        other => other,
    };
    Node { kind, tag: Tag::None, place: node.place }
}
