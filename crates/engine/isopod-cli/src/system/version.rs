//! `version`.

use std::fmt::Write as _;
use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use http::Method;
use isopod_docker_types::Version;

use crate::args::{Flag, Parsed, text};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::Session;
use crate::template::{Mode, Template, Value};
use isopod_client::Payload;

static FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
];

pub(super) static VERSION: Command = Command {
    names: &["version"],
    usage: "[OPTIONS]",
    summary: "Show versions of this program and of the engine",
    examples: &[("version", "Show both"), ("version -f '{{.Server.Version}}'", "Show one")],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(version(session, flags)),
    ..Command::DEFAULT
};

fn client() -> Value {
    let field = |name: &str, text: &str| (name.to_owned(), Value::text(text));
    Value::Map(vec![
        field("Version", env!("CARGO_PKG_VERSION")),
        field("ApiVersion", isopod_docker_types::API_VERSION),
        field("DefaultAPIVersion", isopod_docker_types::API_VERSION),
        field("GitCommit", ""),
        field("GoVersion", ""),
        field("Os", std::env::consts::OS),
        field("Arch", architecture()),
        field("BuildTime", ""),
        field("Context", "default"),
    ])
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

async fn version(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let answer = session.client.bytes(Method::GET, "/version", Payload::Empty).await;
    let format = flags.get("format").or(flags.get("output"));
    let mut text = String::new();
    match format {
        Some(format) => {
            let server = match &answer {
                Ok(bytes) => serde_json::from_slice(bytes).context("the engine's version")?,
                Err(_) => Value::Null,
            };
            let both = Value::Map(vec![("Client".into(), client()), ("Server".into(), server)]);
            text = match format {
                "json" => serde_json::to_string(&both).context("encode the version")?,
                format => Template::parse(format)
                    .and_then(|template| template.render(&both, "", Mode::Data))
                    .map_err(|error| anyhow!("template parsing error: {error}"))?,
            };
            text.push('\n');
        }
        None => {
            let _ = writeln!(
                text,
                "Client:\n Version:           {}\n API version:       {}\n OS/Arch:           {}/{}",
                env!("CARGO_PKG_VERSION"),
                isopod_docker_types::API_VERSION,
                std::env::consts::OS,
                architecture()
            );
            if let Ok(bytes) = &answer {
                let server: Version = serde_json::from_slice(bytes)
                    .context("the engine's version is not as expected")?;
                describe(&server, &mut text);
            }
        }
    }
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    answer?;
    Ok(0)
}

fn describe(server: &Version, out: &mut String) {
    let platform = match server.platform.name.as_str() {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let _ = writeln!(out, "\nServer:{platform}");
    let engine = server.components.iter().find(|component| component.name == "Engine");
    let detail = |name: &str, otherwise: &str| {
        engine
            .and_then(|engine| engine.details.get(name).cloned())
            .unwrap_or_else(|| otherwise.to_owned())
    };
    let api = match server.min_api_version.as_str() {
        "" => server.api_version.clone(),
        minimum => format!("{} (minimum version {minimum})", server.api_version),
    };
    let lines = [
        ("Version", server.version.clone()),
        ("API version", api),
        ("Go version", server.go_version.clone()),
        ("Git commit", server.git_commit.clone()),
        ("Built", detail("BuildTime", &server.build_time)),
        ("OS/Arch", format!("{}/{}", server.os, server.arch)),
        ("Experimental", server.experimental.to_string()),
    ];
    out.push_str(" Engine:\n");
    for (name, value) in lines {
        if !value.is_empty() {
            let _ = writeln!(out, "  {:<17} {value}", format!("{name}:"));
        }
    }
    for component in server.components.iter().filter(|component| component.name != "Engine") {
        let _ = writeln!(out, " {}:\n  {:<17} {}", component.name, "Version:", component.version);
        for (name, value) in &component.details {
            let _ = writeln!(out, "  {:<17} {value}", format!("{name}:"));
        }
    }
}
