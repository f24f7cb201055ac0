//! `history`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_base::times::Timestamp;
use isopod_base::units::human_size_digits;
use isopod_docker_types::ImageHistoryItem;

use crate::args::{Flag, Parsed, boolean, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, ago, ellipsis, format_flags, print_rows, short_id, stdout};
use crate::session::Session;
use crate::template::Value;
use isopod_client::image_path;

static FLAGS: &[Flag] = &[
    switch_on("human", 'H', "Sizes and times for people"),
    boolean("no-trunc", ' ', "Do not shorten anything"),
    text("platform", ' ', "Platform of the image, such as linux/amd64"),
    boolean("quiet", 'q', "Show ids only"),
];

static FORMAT: [Flag; 2] = format_flags();

pub(super) static HISTORY: Command = Command {
    names: &["image history", "history"],
    usage: "[OPTIONS] IMAGE",
    summary: "Show how an image came about",
    examples: &[("history --no-trunc debian:12", "Show the steps in full")],
    flags: &[FLAGS, &FORMAT],
    operands: Operands::Exactly(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(history(session, flags)),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*image.historyContext",
    titles: &[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
    ],
    table: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
};

async fn history(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let human = !flags.off("human");
    let table = match human {
        true => COLUMNS.table.to_owned(),
        false => COLUMNS.table.replace("CreatedSince", "CreatedAt"),
    };
    let listing = Listing::from_flags(&flags, &table)?;
    let short = !flags.on("no-trunc");
    let path = format!("/images/{}/history", image_path(&flags.operands[0]));
    let items: Vec<ImageHistoryItem> = session.client.get(&path).await?;
    if flags.on("quiet") {
        for item in &items {
            let id = if short { short_id(&item.id) } else { item.id.clone() };
            writeln!(stdout(), "{id}").context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> = items.iter().map(|item| row(item, short, human)).collect();
    print_rows(&COLUMNS, &listing, &rows)?;
    Ok(0)
}

fn row(item: &ImageHistoryItem, short: bool, human: bool) -> Value {
    let created = Timestamp::from_nanos(i128::from(item.created) * 1_000_000_000);
    let by = item.created_by.replace('\t', " ");
    let size = item.size.unsigned_abs();
    // A step that was not made here has no time worth showing.
    let known = item.created > -62_135_596_800;
    let fields = [
        ("Comment", item.comment.clone()),
        ("CreatedAt", if known { created.rfc3339() } else { String::new() }),
        ("CreatedBy", if short { ellipsis(&by, 45) } else { by }),
        (
            "CreatedSince",
            match (known, human) {
                (false, _) => "N/A".to_owned(),
                (true, true) => ago(created),
                (true, false) => created.rfc3339(),
            },
        ),
        ("ID", if short { short_id(&item.id) } else { item.id.clone() }),
        ("Size", if human { human_size_digits(size, 3) } else { size.to_string() }),
    ];
    Value::Map(
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect(),
    )
}
