//! `down`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_compose::down;

use super::build::image_of;
use super::execute::{How, execute};
use super::observe::observe;
use super::project::{DRY_RUN, PROJECT, find};
use crate::args::{Flag, Parsed, boolean, text, typed};
use crate::commands::{Command, Operands};
use crate::output::{stderr, stdout};
use crate::session::{Session, answered};
use isopod_client::{Payload, image_path};

static FLAGS: &[Flag] = &[
    boolean("volumes", 'v', "Remove the project's volumes, and anonymous ones, too"),
    text("rmi", ' ', "Remove images too: all, or local (those that were built without a name)"),
    boolean("remove-orphans", ' ', "Remove containers of services that the files do not have"),
    typed("timeout", 't', "int", "Seconds until a container that is stopped is killed"),
];

pub(super) static DOWN: Command = Command {
    names: &["compose down", "down"],
    usage: "[OPTIONS] [DIR]",
    summary: "Take down what `up` brought up",
    examples: &[
        ("down", "Remove a project's containers and networks"),
        ("down -v --rmi local", "And its volumes, and the images that were built for it"),
    ],
    flags: &[FLAGS, PROJECT, DRY_RUN],
    operands: Operands::AtMost(1),
    run: |session, flags| Box::pin(run(session, flags)),
    ..Command::DEFAULT
};

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, false)?;
    if let Some(extra) = found.rest.first() {
        bail!("{extra:?} is no directory: `down` takes down the whole project");
    }
    let rmi = flags.get("rmi");
    if !matches!(rmi, None | Some("all" | "local")) {
        bail!("invalid --rmi {:?}: expected all or local", rmi.unwrap_or_default());
    }
    let observed = observe(&session, &found.project).await?;
    let plan = down(&found.project, &observed, flags.on("volumes"), flags.on("remove-orphans"));
    if flags.on("dry-run") {
        write!(stdout(), "{plan}").context("write to standard output")?;
        return Ok(0);
    }
    let how = How {
        timeout: flags.get("timeout").map(str::to_owned),
        volumes: flags.on("volumes"),
        ..How::default()
    };
    let found = Rc::new(found);
    execute(&session, &found, &plan, &how).await?;
    for service in found.project.services.values() {
        let own = service.text("image").is_none();
        if rmi == Some("all") || (rmi == Some("local") && own) {
            let image = image_of(&found.project, service);
            let path = format!("/images/{}", image_path(&image));
            match session.client.call(Method::DELETE, &path, Payload::Empty).await {
                Err(error) if answered(&error, 404) => {}
                Err(error) => {
                    let words = isopod_base::chain(&error).to_string();
                    writeln!(stderr(), "warning: image {image}: {words}")
                        .context("write to standard error")?;
                }
                Ok(()) => writeln!(stderr(), " Image {image}  Removed")
                    .context("write to standard error")?,
            }
        }
    }
    Ok(0)
}
