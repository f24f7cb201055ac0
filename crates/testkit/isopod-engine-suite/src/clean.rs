//! Removes what a case made: everything whose name begins with the case's prefix.

use anyhow::Result;
use isopod_testkit::http::{Address, request};
use serde_json::Value;

fn list(socket: &Address, path: &str) -> Vec<Value> {
    let answer = request(socket, "GET", path, &[], None).ok();
    let value: Value =
        answer.and_then(|a| serde_json::from_slice(&a.body).ok()).unwrap_or(Value::Null);
    let list = value.get("Volumes").unwrap_or(&value);
    list.as_array().cloned().unwrap_or_default()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    match &value[key] {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// Removes containers, volumes, networks and image names. What a container's name does not tell
/// (the engine chose it) its label `p` does.
pub(crate) fn remove(socket: &Address, prefix: &str) -> Result<()> {
    let delete = |path: String| request(socket, "DELETE", &path, &[], None);
    for container in list(socket, "/containers/json?all=1") {
        let named = texts(&container, "Names").iter().any(|n| n[1..].starts_with(prefix));
        if named || container["Labels"]["p"] == prefix {
            delete(format!("/containers/{}?force=1&v=1", texts(&container, "Id").concat()))?;
        }
    }
    for volume in list(socket, "/volumes") {
        let name = texts(&volume, "Name").concat();
        if name.starts_with(prefix) {
            delete(format!("/volumes/{name}?force=1"))?;
        }
    }
    for network in list(socket, "/networks") {
        let name = texts(&network, "Name").concat();
        if name.starts_with(prefix) {
            delete(format!("/networks/{name}"))?;
        }
    }
    for image in list(socket, "/images/json") {
        for tag in texts(&image, "RepoTags") {
            let name = tag.rsplit('/').next().unwrap_or_default();
            if name.starts_with(prefix) {
                delete(format!("/images/{tag}?force=1"))?;
            }
        }
    }
    Ok(())
}

/// Removes every container; they outlive an engine.
pub(crate) fn remove_containers(socket: &Address) {
    for container in list(socket, "/containers/json?all=1") {
        let id = texts(&container, "Id").concat();
        let _ = request(socket, "DELETE", &format!("/containers/{id}?force=1&v=1"), &[], None);
    }
}
