//! `isopod registry`: the command line.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use http::Method;
use isopod_base::units::{parse_bytes, parse_duration};
use isopod_client::{Client, Endpoint, JsonLines, PLAIN_PORT, Payload};
use isopod_images::{Images, Options};
use lexopt::prelude::*;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use crate::ride::Started;
use crate::server::Registry;
use crate::settings::{AuthKind, Settings};

const HELP: &str = "\
Usage:  isopod registry [OPTIONS]

Serves images to docker, podman, skopeo, containerd and others (OCI distribution 1.1).

It shares the engine's store: what the engine has is pushed here without being copied. The engine
is started if none runs, and the registry ends with this command. With --data-root the registry has
a store of its own and needs no engine.

Options:
  -l, --listen ADDR:PORT           Where to listen (default 127.0.0.1:5000; repeatable)
      --data-root DIR              Keep everything there instead of in the engine's store
  -H, --host unix://PATH           Socket of the engine
      --tls-cert FILE              Certificate chain (PEM)
      --tls-key FILE               Its key (PEM)
      --plain-http                 Let other machines speak to it without TLS
      --htpasswd FILE              Users, with bcrypt hashes (htpasswd -B)
      --auth basic|token           How clients show who they are (default basic)
      --anonymous-pull             Pulling needs no user
      --read-only                  Refuse pushes and deletions
      --no-delete                  Refuse deletions
      --upstream URL               Be a copy of that registry, filled when something is pulled
      --upstream-user NAME         User there
      --upstream-password-file FILE
      --cache-age DURATION         How long a copy is kept (default 168h)
      --max-blob SIZE              Largest blob that is taken (default 256GiB)
      --log-level LEVEL            debug, info, warn or error (default info)
  -h, --help                       This text
";

/// What the command line says.
struct Given {
    settings: Settings,
    data_root: Option<PathBuf>,
    host: Option<String>,
    log_level: LevelFilter,
}

/// `isopod registry …`; `args[0]` is the name of the part. Returns the exit code.
pub fn main(args: Vec<OsString>) -> i32 {
    let given = match parse(args) {
        Ok(Some(given)) => given,
        Ok(None) => {
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return 0;
        }
        Err(error) => {
            let error = isopod_base::chain(error.as_ref()).to_string();
            let _ = writeln!(
                std::io::stderr(),
                "isopod registry: {error}\nSee 'isopod registry --help'."
            );
            return 125;
        }
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(given.log_level >= LevelFilter::DEBUG)
        .with_max_level(given.log_level)
        .init();
    match run(given) {
        Ok(()) => 0,
        Err(error) => {
            let error = isopod_base::chain(error.as_ref()).to_string();
            let _ = writeln!(std::io::stderr(), "isopod registry: {error}");
            1
        }
    }
}

fn parse(args: Vec<OsString>) -> Result<Option<Given>> {
    let mut parser = lexopt::Parser::from_iter(args);
    let mut settings = Settings { listen: Vec::new(), ..Settings::default() };
    let (mut data_root, mut host, mut log_level) = (None, None, LevelFilter::INFO);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Short('l') | Long("listen") => {
                settings.listen.push(address(&parser.value()?.string()?)?)
            }
            Long("data-root") => data_root = Some(path(&mut parser)?),
            Short('H') | Long("host") => host = Some(parser.value()?.string()?),
            Long("tls-cert") => settings.tls_certificate = Some(path(&mut parser)?),
            Long("tls-key") => settings.tls_key = Some(path(&mut parser)?),
            Long("plain-http") => settings.plain_http = true,
            Long("htpasswd") => settings.htpasswd = Some(path(&mut parser)?),
            Long("auth") => {
                settings.auth = match parser.value()?.string()?.as_str() {
                    "basic" => AuthKind::Basic,
                    "token" => AuthKind::Token,
                    other => bail!("--auth {other:?}: expected basic or token"),
                };
            }
            Long("anonymous-pull") => settings.anonymous_pull = true,
            Long("read-only") => settings.read_only = true,
            Long("no-delete") => settings.no_delete = true,
            Long("upstream") => settings.upstream = Some(parser.value()?.string()?),
            Long("upstream-user") => settings.upstream_user = Some(parser.value()?.string()?),
            Long("upstream-password-file") => {
                settings.upstream_password_file = Some(path(&mut parser)?);
            }
            Long("cache-age") => {
                let text = parser.value()?.string()?;
                settings.cache_age =
                    parse_duration(&text).with_context(|| format!("--cache-age {text:?}"))?;
            }
            Long("max-blob") => {
                let text = parser.value()?.string()?;
                settings.max_blob_bytes =
                    parse_bytes(&text).with_context(|| format!("--max-blob {text:?}"))?;
            }
            Long("log-level") => {
                let text = parser.value()?.string()?;
                log_level = text.parse().map_err(|_| {
                    anyhow!("--log-level {text:?}: expected debug, info, warn or error")
                })?;
            }
            argument => return Err(argument.unexpected().into()),
        }
    }
    if settings.listen.is_empty() {
        settings.listen = Settings::default().listen;
    }
    settings.check()?;
    if data_root.is_some() && host.is_some() {
        bail!("--host and --data-root: a registry with a store of its own needs no engine");
    }
    Ok(Some(Given { settings, data_root, host, log_level }))
}

fn path(parser: &mut lexopt::Parser) -> Result<PathBuf> {
    let path = PathBuf::from(parser.value()?);
    std::path::absolute(&path).with_context(|| format!("path {}", path.display()))
}

/// `ADDRESS:PORT`, `localhost:PORT`, `:PORT` or `PORT`; without an address, this machine alone.
fn address(text: &str) -> Result<SocketAddr> {
    let spelled = match text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        Some(port) => format!("127.0.0.1:{port}"),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => format!("127.0.0.1:{text}"),
        None => text.to_owned(),
    };
    spelled
        .parse()
        .map_err(|_| anyhow!("--listen {text:?}: expected ADDRESS:PORT, such as 127.0.0.1:5000"))
}

fn run(given: Given) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4))
        .enable_all()
        .build()
        .context("set up the runtime")?;
    let result = runtime.block_on(async {
        match given.data_root {
            Some(root) => alone(root, given.settings).await,
            None => within_engine(given.host.as_deref(), &given.settings).await,
        }
    });
    runtime.shutdown_background();
    result
}

/// In this process, with a store of its own.
async fn alone(root: PathBuf, settings: Settings) -> Result<()> {
    let stop = stop_signal()?;
    let images = Images::open(Options::new(root.join("images")))
        .with_context(|| format!("open the store in {}", root.display()))?;
    let registry = Registry::bind(&images, settings).await?;
    announce(&registry.addresses(), registry.is_tls());
    registry.serve(stop).await;
    Ok(())
}

/// In the engine's process, for as long as this one asks for it.
async fn within_engine(host: Option<&str>, settings: &Settings) -> Result<()> {
    let stop = stop_signal()?;
    let variable = std::env::var("ISOPOD_HOST").ok().filter(|host| !host.is_empty());
    let (endpoint, start) = match (host, variable) {
        (Some(host), _) => (Endpoint::parse(host, PLAIN_PORT)?, false),
        (None, Some(host)) => (Endpoint::parse(&host, PLAIN_PORT)?, true),
        (None, None) => (Endpoint::default_socket(), true),
    };
    let client = Client::new(endpoint, start, None);
    let answer = client
        .stream(Method::POST, "/isopod/registry", &[], Payload::json(settings)?)
        .await
        .context(
            "the registry shares the store of an engine, which could not be asked \
             (--data-root DIR gives it a store of its own)",
        )?;
    let mut lines = JsonLines::new(answer.into_body());
    let first = lines.next().await?.context("the engine said nothing")?;
    match serde_json::from_str(first.get()).context("the engine's answer is not as expected")? {
        Started::Listening(addresses, tls) => announce(&addresses, tls),
        Started::Error(error) => bail!("{error}"),
    }
    tokio::select! {
        () = stop => Ok(()),
        _ = lines.next() => bail!("the engine has stopped, and the registry with it"),
    }
}

fn announce(addresses: &[SocketAddr], tls: bool) {
    let scheme = if tls { "https" } else { "http" };
    for address in addresses {
        let _ = writeln!(std::io::stderr(), "registry listens on {scheme}://{address}");
    }
}

/// Ready at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Option<Given>> {
        let words = std::iter::once("registry").chain(words.split_whitespace());
        parse(words.map(OsString::from).collect())
    }

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("5001", "127.0.0.1:5001"),
            (":5001", "127.0.0.1:5001"),
            ("localhost:5001", "127.0.0.1:5001"),
            ("[::1]:5001", "[::1]:5001"),
        ] {
            assert_eq!(address(text).expect(text).to_string(), expected);
        }
        for text in ["", "host:1", "127.0.0.1", "1:2:3", "70000"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(parsed("--listen 0.0.0.0:1 --plain-http").is_ok());
        for (words, part) in [
            ("--listen 0.0.0.0:1", "can be reached from other machines"),
            ("--tls-cert x", "--tls-key: expected"),
            ("--auth token", "needs --htpasswd"),
            ("--auth digest", "expected basic or token"),
            ("--anonymous-pull", "without --htpasswd"),
            ("--upstream-user x", "without --upstream"),
            ("--data-root /x --host unix:///y", "needs no engine"),
            ("--cache-age soon", "--cache-age"),
            ("--nonsense", "invalid option '--nonsense'"),
            ("extra", "unexpected argument \"extra\""),
        ] {
            let error = match parsed(words) {
                Err(error) => isopod_base::chain(error.as_ref()).to_string(),
                Ok(_) => panic!("{words} was taken"),
            };
            assert!(error.contains(part), "{words}: {error}");
        }
    }
}
