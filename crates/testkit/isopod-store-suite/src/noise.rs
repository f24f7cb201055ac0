//! What answers are shown without: what differs from run to run.

use serde_json::Value;

const NOISE: &[&str] = &["cluster_id", "member_id", "raft_term"];

/// Takes ids and terms out of every header; members' own ids stay.
pub(crate) fn remove(document: &mut Value) {
    match document {
        Value::Object(fields) => {
            if let Some(Value::Object(header)) = fields.get_mut("header") {
                NOISE.iter().for_each(|name| drop(header.remove(*name)));
            }
            fields.values_mut().for_each(remove);
        }
        Value::Array(items) => items.iter_mut().for_each(remove),
        _ => {}
    }
}

/// How a document is shown: whole, or what the pointers find in it, one a line.
pub(crate) fn show(mut document: Value, pointers: &[String]) -> String {
    remove(&mut document);
    if pointers.is_empty() {
        return document.to_string();
    }
    let lines: Vec<String> = pointers
        .iter()
        .map(|pointer| match document.pointer(pointer) {
            None => "(none)".into(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        })
        .collect();
    lines.join("\n")
}
