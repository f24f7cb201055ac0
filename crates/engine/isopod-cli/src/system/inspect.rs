//! `inspect` of anything.

use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use http::Method;

use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Found, print_found};
use crate::session::{Raw, Session, answered};
use isopod_client::{ClientError, Payload, image_path, query, segment};

static FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
    boolean("size", 's', "Show sizes of containers"),
    text("type", ' ', "Only look at this kind: container, image, network or volume"),
];

pub(super) static INSPECT: Command = Command {
    names: &["inspect"],
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    summary: "Show all about containers, images, volumes or networks",
    examples: &[
        ("inspect web", "Show all about a container"),
        ("inspect -f '{{.State.Status}} {{json .Mounts}}' web", "Show some of it"),
    ],
    flags: &[FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| {
        Box::pin(async move {
            const ALL: &[Kind] = &[Kind::Container, Kind::Image, Kind::Network, Kind::Volume];
            let kinds: &[Kind] = match flags.get("type") {
                None => ALL,
                Some("container") => &ALL[..1],
                Some("image") => &ALL[1..2],
                Some("network") => &ALL[2..3],
                Some("volume") => &ALL[3..],
                Some("") => {
                    bail!("type is empty: must be one of container, image, network, volume")
                }
                Some(other) => bail!(
                    "unknown type: {other:?}: must be one of container, image, network, volume"
                ),
            };
            inspect_all(session, flags, kinds).await
        })
    },
    ..Command::DEFAULT
};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Container,
    Image,
    Network,
    Socket,
    Volume,
}

impl Kind {
    fn path(self, name: &str, flags: &Parsed) -> String {
        match self {
            Self::Container => {
                let size = if flags.on("size") { "1" } else { "" };
                format!("/containers/{}/json{}", segment(name), query(&[("size", size)]))
            }
            Self::Image => format!("/images/{}/json", image_path(name)),
            Self::Network => format!("/networks/{}", segment(name)),
            Self::Socket => format!("/isopod/sockets/{}", segment(name)),
            Self::Volume => format!("/volumes/{}", segment(name)),
        }
    }
}

/// Inspects every operand as the first of `kinds` that there is.
pub(crate) async fn inspect_all(
    session: Rc<Session>,
    flags: Parsed,
    kinds: &[Kind],
) -> Result<i32> {
    let format = match (flags.get("format"), flags.get("output")) {
        (Some(format), _) => Some(format),
        (None, Some(format @ "json")) => Some(format),
        (None, Some(other)) => return Err(anyhow!("invalid output {other:?}: expected json")),
        (None, None) => None,
    };
    let mut found = Found::default();
    for name in &flags.operands {
        let mut missing = None;
        let mut document = None;
        for kind in kinds {
            let path = kind.path(name, &flags);
            match session.client.bytes(Method::GET, &path, Payload::Empty).await {
                Ok(bytes) => {
                    document = Some(serde_json::from_slice::<Raw>(&bytes)?);
                    break;
                }
                // Names that cannot be those of an image, say, may be those of something else.
                Err(error) if kinds.len() > 1 && is_not_that(&error) => {}
                Err(error) if answered(&error, 404) => missing = Some(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        match document {
            Some(document) => found.documents.push(document),
            None => found
                .problems
                .push(missing.unwrap_or_else(|| format!("Error: No such object: {name}"))),
        }
    }
    print_found(&found, format)
}

fn is_not_that(error: &ClientError) -> bool {
    answered(error, 404) || answered(error, 400)
}
