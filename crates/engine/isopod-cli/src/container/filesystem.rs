//! `diff`, `commit` and `export`: what a container wrote.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_docker_types::{FilesystemChange, IdResponse, change_kind};

use crate::args::{Flag, Parsed, list, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::image::save_to;
use crate::output::{Columns, Listing, format_flags, print_rows, stdout};
use crate::reference::split_tag;
use crate::session::Session;
use crate::template::Value;
use isopod_client::{Payload, query, segment};

static DIFF_FORMAT: [Flag; 2] = format_flags();

static COMMIT_FLAGS: &[Flag] = &[
    text("author", 'a', "Author of the image"),
    list("change", 'c', "Dockerfile instruction to apply, such as 'CMD [\"sh\"]'"),
    text("message", 'm', "Message for the history"),
    switch_on("pause", 'p', "Freeze the container meanwhile"),
];

static EXPORT_FLAGS: &[Flag] = &[text("output", 'o', "Write to a file")];

pub(super) static DIFF: Command = Command {
    names: &["container diff", "diff"],
    usage: "CONTAINER",
    summary: "Show which files a container added (A), changed (C) and deleted (D)",
    examples: &[("diff web", "Show what changed")],
    flags: &[&DIFF_FORMAT],
    operands: Operands::Exactly(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(diff(session, flags)),
    ..Command::DEFAULT
};

pub(super) static COMMIT: Command = Command {
    names: &["container commit", "commit"],
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    summary: "Make an image of a container's changes",
    examples: &[("commit -c 'CMD [\"sh\"]' job job:done", "Make an image")],
    flags: &[COMMIT_FLAGS],
    operands: Operands::Between(1, 2),
    complete: Names::Containers,
    run: |session, flags| Box::pin(commit(session, flags)),
    ..Command::DEFAULT
};

pub(super) static EXPORT: Command = Command {
    names: &["container export", "export"],
    usage: "[OPTIONS] CONTAINER",
    summary: "Write a container's file system as a tar archive",
    examples: &[("export -o web.tar web", "Write it to a file")],
    flags: &[EXPORT_FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Containers,
    run: |session, flags| {
        Box::pin(async move {
            let path = format!("/containers/{}/export", segment(&flags.operands[0]));
            save_to(&session, "export container", &path, flags.get("output")).await
        })
    },
    ..Command::DEFAULT
};

const CHANGE_COLUMNS: Columns = Columns {
    type_name: "*container.diffContext",
    titles: &[("Type", "CHANGE TYPE"), ("Path", "PATH")],
    table: "{{.Type}}\t{{.Path}}",
};

async fn diff(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let path = format!("/containers/{}/changes", segment(&flags.operands[0]));
    // An engine says null when nothing changed.
    let changes: Option<Vec<FilesystemChange>> = session.client.get(&path).await?;
    let changes = changes.unwrap_or_default();
    let rows: Vec<Value> = changes
        .into_iter()
        .map(|change| {
            let letter = match change.kind {
                change_kind::ADDED => "A",
                change_kind::DELETED => "D",
                _ => "C",
            };
            Value::Map(vec![
                ("Type".to_owned(), Value::text(letter)),
                ("Path".to_owned(), Value::text(change.path)),
            ])
        })
        .collect();
    let listing = match flags.given("format") || flags.given("output") {
        true => Listing::from_flags(&flags, CHANGE_COLUMNS.table)?,
        false => Listing::Template("{{.Type}} {{.Path}}".to_owned()),
    };
    print_rows(&CHANGE_COLUMNS, &listing, &rows)?;
    Ok(0)
}

async fn commit(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = flags.operands.get(1).map_or("", String::as_str);
    let (repository, tag) = split_tag(name);
    let message = flags.text("message");
    let author = flags.text("author");
    let mut pairs = vec![
        ("container", flags.operands[0].as_str()),
        ("repo", repository),
        ("tag", tag),
        ("comment", &message),
        ("author", &author),
        ("pause", if flags.off("pause") { "0" } else { "1" }),
    ];
    pairs.extend(flags.list("change").iter().map(|change| ("changes", change.as_str())));
    let path = format!("/commit{}", query(&pairs));
    let empty = Payload::json(&Value::Map(vec![]))?;
    let image: IdResponse = session.client.json(Method::POST, &path, empty).await?;
    writeln!(stdout(), "{}", image.id).context("write to standard output")?;
    Ok(0)
}
