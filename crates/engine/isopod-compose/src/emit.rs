//! A project written out again: what `config` prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::node::{Kind, Node};
use crate::project::Project;
use crate::yaml::plain;

impl Project {
    /// The whole project as a compose file, long forms throughout; dollar signs doubled, so that
    /// it can be read again.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = format!("name: {}\n", quoted(&self.name));
        section(&mut out, "services", self.services.iter().map(|(n, s)| (n.as_str(), &s.node)));
        for (name, all) in self.resources() {
            section(&mut out, name, all.iter().map(|(n, node)| (n.as_str(), node)));
        }
        for (name, node) in &self.extensions {
            entry(&mut out, name, node, 0);
        }
        out
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut out = serde_json::Map::new();
        out.insert("name".to_owned(), self.name.clone().into());
        let services = self.services.iter().map(|(name, s)| (name.clone(), s.node.to_json()));
        out.insert("services".to_owned(), serde_json::Value::Object(services.collect()));
        for (name, all) in self.resources().into_iter().filter(|(_, all)| !all.is_empty()) {
            let all = all.iter().map(|(name, node)| (name.clone(), node.to_json()));
            out.insert(name.to_owned(), serde_json::Value::Object(all.collect()));
        }
        out.extend(self.extensions.iter().map(|(name, node)| (name.clone(), node.to_json())));
        serde_json::Value::Object(out)
    }

    fn resources(&self) -> [(&'static str, &BTreeMap<String, Node>); 4] {
        [
            ("networks", &self.networks),
            ("volumes", &self.volumes),
            ("secrets", &self.secrets),
            ("configs", &self.configs),
        ]
    }
}

fn section<'a>(out: &mut String, name: &str, all: impl Iterator<Item = (&'a str, &'a Node)>) {
    let mut all = all.peekable();
    if all.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "{name}:");
    for (name, node) in all {
        entry(out, name, node, 1);
    }
}

fn entry(out: &mut String, name: &str, node: &Node, depth: usize) {
    let _ = write!(out, "{}{}:", "  ".repeat(depth), quoted(name));
    value(out, node, depth);
}

/// What follows a colon or a dash.
fn value(out: &mut String, node: &Node, depth: usize) {
    match &node.kind {
        Kind::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Kind::List(items) if items.is_empty() => out.push_str(" []\n"),
        Kind::Map(entries) => {
            out.push('\n');
            for (name, below) in sorted(entries) {
                entry(out, name, below, depth + 1);
            }
        }
        Kind::List(items) => {
            out.push('\n');
            for item in items {
                list_item(out, item, depth + 1);
            }
        }
        _ => {
            let _ = writeln!(out, " {}", scalar(node));
        }
    }
}

fn list_item(out: &mut String, node: &Node, depth: usize) {
    let indent = "  ".repeat(depth);
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            // The first field stands beside the dash.
            let mut text = String::new();
            for (name, below) in sorted(entries) {
                entry(&mut text, name, below, depth + 1);
            }
            let _ = write!(out, "{indent}- {}", text.trim_start());
        }
        Kind::List(items) if !items.is_empty() => {
            let _ = writeln!(out, "{indent}-");
            items.iter().for_each(|item| list_item(out, item, depth + 1));
        }
        _ => {
            let _ = write!(out, "{indent}-");
            value(out, node, depth);
        }
    }
}

fn sorted(entries: &[(String, Node)]) -> Vec<(&str, &Node)> {
    let mut entries: Vec<(&str, &Node)> =
        entries.iter().map(|(name, node)| (name.as_str(), node)).collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

fn scalar(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => quoted(&text.replace('$', "$$")),
        Kind::Null => "null".to_owned(),
        _ => node.describe(),
    }
}

/// A text as YAML reads it back.
fn quoted(text: &str) -> String {
    let simple = matches!(plain(text), Kind::Text(_))
        && !matches!(text.to_ascii_lowercase().as_str(), "yes" | "no" | "on" | "off" | "y" | "n")
        && !text.starts_with(|c: char| "!&*?|>@`%\"'#{}[],-: ".contains(c))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && text.chars().all(|c| !c.is_control());
    if simple || (text.len() > 1 && text.starts_with('-') && is_option(text)) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// `-c`, `--flag`: no list, no number.
fn is_option(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'/'))
        && text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic())
}
