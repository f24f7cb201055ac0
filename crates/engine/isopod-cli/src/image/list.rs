//! `images`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_base::times::Timestamp;
use isopod_base::units::{human_size, human_size_digits};
use isopod_docker_types::ImageSummary;

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{
    Columns, Listing, ago, format_flags, local_time, print_rows, short_id, stdout,
};
use crate::session::Session;
use crate::template::Value;
use isopod_client::{filters, query};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show intermediate images too"),
    boolean("digests", ' ', "Show digests"),
    typed("filter", 'f', "filter", "Only those that match, such as dangling=true or label=a"),
    boolean("no-trunc", ' ', "Do not shorten ids"),
    boolean("quiet", 'q', "Show ids only"),
];

static FORMAT: [Flag; 2] = format_flags();

pub(super) static LIST: Command = Command {
    names: &["image ls", "image list", "images"],
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    summary: "List images",
    examples: &[
        ("images", "List images"),
        ("images -q --filter dangling=true", "The ids of those without a name"),
    ],
    flags: &[FLAGS, &FORMAT],
    operands: Operands::AtMost(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(list(session, flags)),
    ..Command::DEFAULT
};

/// Columns of images.
pub(crate) const IMAGE_COLUMNS: Columns = Columns {
    type_name: "*formatter.imageContext",
    titles: &[
        ("ID", "IMAGE ID"),
        ("Repository", "REPOSITORY"),
        ("Tag", "TAG"),
        ("Digest", "DIGEST"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("Size", "SIZE"),
        ("Containers", "CONTAINERS"),
        ("VirtualSize", "SIZE"),
        ("SharedSize", "SHARED SIZE"),
        ("UniqueSize", "UNIQUE SIZE"),
    ],
    table: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
};

const DIGESTS_TABLE: &str =
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

async fn list(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let table = if flags.on("digests") { DIGESTS_TABLE } else { IMAGE_COLUMNS.table };
    let listing = Listing::from_flags(&flags, table)?;
    let mut wanted = flags.list("filter").to_vec();
    wanted.extend(flags.operands.first().map(|name| format!("reference={name}")));
    let path = format!(
        "/images/json{}",
        query(&[("all", if flags.on("all") { "1" } else { "" }), ("filters", &filters(&wanted)),])
    );
    let images: Vec<ImageSummary> = session.client.get(&path).await?;
    let short = !flags.on("no-trunc");
    let digests = flags.on("digests") || listing.uses(".Digest");
    if flags.on("quiet") && !flags.given("format") && !flags.given("output") {
        for row in images.iter().flat_map(|image| image_rows(image, short, digests)) {
            let id = row.member("ID").map(Value::to_string).unwrap_or_default();
            writeln!(stdout(), "{id}").context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> =
        images.iter().flat_map(|image| image_rows(image, short, digests)).collect();
    print_rows(&IMAGE_COLUMNS, &listing, &rows)?;
    Ok(0)
}

const NONE: &str = "<none>";

/// The names of an image: repository, tag, digest. With `digests`, each digest has a line.
fn names(image: &ImageSummary, digests: bool) -> Vec<(String, String, String)> {
    let split = |name: &str, at: char| {
        name.rsplit_once(at).map(|(repository, rest)| (repository.to_owned(), rest.to_owned()))
    };
    let is_name = |(repository, rest): &(String, String)| repository != NONE || rest != NONE;
    let tags: Vec<(String, String)> =
        image.repo_tags.iter().filter_map(|name| split(name, ':')).filter(is_name).collect();
    let hashes: Vec<(String, String)> =
        image.repo_digests.iter().filter_map(|name| split(name, '@')).filter(is_name).collect();
    let mut names = vec![];
    for (repository, tag) in &tags {
        let mut own = hashes.iter().filter(|(other, _)| other == repository).peekable();
        if !digests || own.peek().is_none() {
            names.push((repository.clone(), tag.clone(), NONE.to_owned()));
            continue;
        }
        names.extend(own.map(|(_, hash)| (repository.clone(), tag.clone(), hash.clone())));
    }
    // Repositories known by digest only.
    for (repository, hash) in &hashes {
        let tagged = tags.iter().any(|(other, _)| other == repository);
        let listed = names
            .iter()
            .any(|(other, _, known)| other == repository && (known == hash || !digests));
        if !tagged && !listed {
            let hash = if digests { hash.clone() } else { NONE.to_owned() };
            names.push((repository.clone(), NONE.to_owned(), hash));
        }
    }
    if names.is_empty() {
        names.push((NONE.to_owned(), NONE.to_owned(), NONE.to_owned()));
    }
    names
}

/// The rows of an image, one for each of its names.
pub(crate) fn image_rows(image: &ImageSummary, short: bool, digests: bool) -> Vec<Value> {
    let id = if short { short_id(&image.id) } else { image.id.clone() };
    let created = Timestamp::from_nanos(i128::from(image.created) * 1_000_000_000);
    let known = |size: i64| u64::try_from(size).ok();
    let part = |size: Option<u64>| size.map_or("N/A".to_owned(), human_size);
    let unique = match (known(image.size), known(image.shared_size)) {
        (Some(size), Some(shared)) => Some(size.saturating_sub(shared)),
        _ => None,
    };
    let size = image.size.unsigned_abs();
    names(image, digests)
        .into_iter()
        .map(|(repository, tag, digest)| {
            let fields = [
                ("Containers", known(image.containers).map_or("N/A".into(), |n| n.to_string())),
                ("CreatedAt", local_time(image.created)),
                ("CreatedSince", if image.created == 0 { "N/A".into() } else { ago(created) }),
                ("Digest", digest),
                ("ID", id.clone()),
                ("Repository", repository),
                ("SharedSize", part(known(image.shared_size))),
                ("Size", human_size_digits(size, 3)),
                ("Tag", tag),
                ("UniqueSize", part(unique)),
                ("VirtualSize", human_size(size)),
            ];
            Value::Map(
                fields
                    .into_iter()
                    .map(|(name, text)| (name.to_owned(), Value::Text(text)))
                    .collect(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tags: &[&str], digests: &[&str]) -> ImageSummary {
        ImageSummary {
            repo_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            repo_digests: digests.iter().map(|digest| (*digest).to_owned()).collect(),
            size: 1_982_282,
            shared_size: -1,
            containers: -1,
            ..ImageSummary::default()
        }
    }

    #[test]
    fn an_image_has_a_row_for_each_name() {
        let image = image(&["h:5/a:1", "b:2"], &["h:5/a@sha256:x", "c@sha256:y"]);
        assert_eq!(
            names(&image, false),
            [
                ("h:5/a".into(), "1".into(), NONE.into()),
                ("b".into(), "2".into(), NONE.into()),
                ("c".into(), NONE.into(), NONE.into()),
            ]
        );
        assert_eq!(names(&image, true)[0].2, "sha256:x");
        let row = &image_rows(&image, true, false)[0];
        assert_eq!(row.member("Size"), Some(&Value::text("1.98MB")));
        assert_eq!(row.member("VirtualSize"), Some(&Value::text("1.982MB")));
        assert_eq!(row.member("UniqueSize"), Some(&Value::text("N/A")));
    }

    #[test]
    fn an_image_without_a_name_has_a_row() {
        let expected = [(NONE.to_owned(), NONE.to_owned(), NONE.to_owned())];
        assert_eq!(names(&image(&["<none>:<none>"], &["<none>@<none>"]), false), expected);
        assert_eq!(names(&image(&[], &[]), true), expected);
    }
}
