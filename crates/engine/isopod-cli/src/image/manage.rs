//! `rmi`, `tag` and `image inspect`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use http::Method;
use isopod_docker_types::ImageDeleteItem;

use crate::args::{Flag, Parsed, boolean, list, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::reference::{check, split_tag};
use crate::session::{Session, answered};
use crate::system::{Kind, inspect_all};
use isopod_client::{Payload, image_path, query};

static REMOVE_FLAGS: &[Flag] = &[
    boolean("force", 'f', "Remove it even if stopped containers use it"),
    boolean("no-prune", ' ', "Keep parents without a name"),
    list("platform", ' ', "Remove only this platform, such as linux/amd64"),
];

static INSPECT_FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
    text("platform", ' ', "Platform of the image, such as linux/amd64"),
];

pub(super) static REMOVE: Command = Command {
    names: &["image rm", "image remove", "rmi"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    summary: "Remove images",
    examples: &[("rmi app:v1", "Take a name away, and the image with its last one")],
    flags: &[REMOVE_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(remove(session, flags)),
    ..Command::DEFAULT
};

pub(super) static TAG: Command = Command {
    names: &["image tag", "tag"],
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    summary: "Give an image one more name",
    examples: &[("tag app:v1 localhost:5000/team/app:v1", "Name it for a registry")],
    operands: Operands::Exactly(2),
    complete: Names::Images,
    run: |session, flags| {
        Box::pin(async move {
            let target = &flags.operands[1];
            check(target).map_err(|error| {
                anyhow!(
                    "Error parsing reference: {target:?} is not a valid repository/tag: {error}"
                )
            })?;
            let (repository, tag) = split_tag(&flags.operands[1]);
            if flags.operands[1].contains('@') {
                bail!("refusing to create a tag with a digest reference");
            }
            let path = format!(
                "/images/{}/tag{}",
                image_path(&flags.operands[0]),
                query(&[("repo", repository), ("tag", tag)])
            );
            session.client.call(Method::POST, &path, Payload::Empty).await?;
            Ok(0)
        })
    },
    ..Command::DEFAULT
};

pub(super) static INSPECT: Command = Command {
    names: &["image inspect"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    summary: "Show all about images",
    examples: &[("image inspect -f '{{json .Config.Env}}' debian:12", "Show its variables")],
    flags: &[INSPECT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(inspect_all(session, flags, &[Kind::Image])),
    ..Command::DEFAULT
};

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let on = |name: &str| if flags.on(name) { "1" } else { "" };
    let force = flags.on("force");
    let mut code = 0;
    for name in &flags.operands {
        let path = format!(
            "/images/{}{}",
            image_path(name),
            query(&[("force", on("force")), ("noprune", on("no-prune"))])
        );
        let removed = session
            .client
            .json::<Vec<ImageDeleteItem>>(Method::DELETE, &path, Payload::Empty)
            .await;
        match removed {
            Ok(items) => {
                for item in items {
                    match item.deleted.as_str() {
                        "" => writeln!(stdout(), "Untagged: {}", item.untagged),
                        id => writeln!(stdout(), "Deleted: {id}"),
                    }
                    .context("write to standard output")?;
                }
            }
            Err(error) => {
                // With --force, an image that is not there is what was asked for.
                if !(force && answered(&error, 404)) {
                    code = 1;
                }
                writeln!(stderr(), "{}", isopod_base::chain(&error))
                    .context("write to standard error")?;
            }
        }
    }
    Ok(code)
}
