//! `list` and `state`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use isopod_oci::runtime::Status;
use isopod_runtime::Container;
use serde::Serialize;

use super::print;
use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

/// A container as `state` and `list` show it; the order of the fields is runc's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    oci_version: String,
    id: String,
    pid: i32,
    status: String,
    bundle: String,
    rootfs: String,
    created: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    owner: String,
}

impl Shown {
    fn new(container: &Container, owner: String) -> Result<Self, Error> {
        let status = container.status()?;
        let state = container.state();
        Ok(Self {
            oci_version: state.oci_version.clone(),
            id: state.id.clone(),
            pid: if status == Status::Stopped { 0 } else { state.pid },
            status: status.to_string(),
            bundle: state.bundle.display().to_string(),
            rootfs: state.rootfs.display().to_string(),
            created: state.created.clone(),
            annotations: state.annotations.clone(),
            owner,
        })
    }
}

pub(crate) fn state(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let container = globals.container(invocation)?;
    let shown = Shown::new(&container, String::new())?;
    print(&serde_json::to_string_pretty(&shown).expect("strings and numbers"))?;
    Ok(0)
}

pub(crate) fn list(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let format = invocation.value("format").unwrap_or("table");
    let quiet = invocation.is_on("quiet");
    if !quiet && !matches!(format, "table" | "json") {
        return Err(Error::Format);
    }
    let shown = containers(globals)?;
    if quiet {
        print(&shown.iter().map(|item| format!("{}\n", item.id)).collect::<String>())?;
    } else if format == "json" {
        // runc prints null for none, and its callers know it.
        let shown = Some(shown).filter(|shown| !shown.is_empty());
        print(&format!("{}\n", serde_json::to_string(&shown).expect("strings and numbers")))?;
    } else {
        print(&table(&shown))?;
    }
    Ok(0)
}

/// Those that cannot be read are reported, and do not hide the others.
fn containers(globals: &Globals) -> Result<Vec<Shown>, Error> {
    let mut shown = Vec::new();
    for (id, found) in globals.runtime.list()? {
        let item = found.map_err(Error::from).and_then(|container| {
            let owner = owner(container.state().owner);
            Shown::new(&container, owner)
        });
        match item {
            Ok(item) => shown.push(item),
            // Deleted meanwhile.
            Err(Error::Runtime(error)) if error.kind() == isopod_runtime::ErrorKind::NotFound => {}
            Err(error) => {
                globals.log.error(&format!("load container {id}: {}", isopod_base::chain(&error)));
            }
        }
    }
    Ok(shown)
}

/// The user's name from `/etc/passwd`, else `#` and the number.
fn owner(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("#{uid}"))
}

/// Columns at least 12 wide, 3 blanks apart; the last one as it is.
fn table(shown: &[Shown]) -> String {
    let heading = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned);
    let mut rows = vec![heading];
    rows.extend(shown.iter().map(|item| {
        [
            item.id.clone(),
            item.pid.to_string(),
            item.status.clone(),
            item.bundle.clone(),
            item.created.clone(),
            item.owner.clone(),
        ]
    }));
    let mut widths = [12; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count() + 3);
        }
    }
    let mut text = String::new();
    for row in rows {
        let [rest @ .., last] = &row;
        for (cell, width) in rest.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "{cell:<width$}");
        }
        text.push_str(last);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_the_columns_of_runc() {
        assert_eq!(
            table(&[]),
            "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"
        );
        let item = Shown {
            oci_version: "1.2.0".into(),
            id: "a-rather-long-id".into(),
            pid: 42,
            status: "running".into(),
            bundle: "/b".into(),
            rootfs: "/b/rootfs".into(),
            created: "2026-11-24T12:40:29.5Z".into(),
            annotations: BTreeMap::new(),
            owner: "root".into(),
        };
        let line = serde_json::to_string(&item).expect("serialisable");
        assert_eq!(
            line,
            "{\"ociVersion\":\"1.2.0\",\"id\":\"a-rather-long-id\",\"pid\":42,\"status\":\"running\",\"bundle\":\"/b\",\"rootfs\":\"/b/rootfs\",\"created\":\"2026-11-24T12:40:29.5Z\",\"owner\":\"root\"}"
        );
        assert_eq!(
            table(&[item]).lines().nth(1),
            Some(
                "a-rather-long-id   42          running     /b          2026-11-24T12:40:29.5Z   root"
            )
        );
    }
}
