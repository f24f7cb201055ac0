//! Which engine a command is for: flags, environment, docker's contexts.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use isopod_base::Digest;
use isopod_client::{Client, Endpoint, PLAIN_PORT, TLS_PORT};
use isopod_tls::SideFiles;
use serde::Deserialize;

use crate::args::{Flag, Parsed, boolean, text};
use crate::session::read_json;

/// Flags that say it.
pub(crate) static FLAGS: &[Flag] = &[
    text("host", 'H', "Engine's socket (unix:///PATH or tcp://HOST:PORT)"),
    text("context", 'c', "Docker's context that names the engine"),
    boolean("tls", ' ', "Accepted with --tlsverify; alone it would trust any server"),
    boolean("tlsverify", ' ', "Use TLS, and prove to each other who one is"),
    text("tlscacert", ' ', "The authority's certificate").default("~/.docker/ca.pem"),
    text("tlscert", ' ', "The client's certificate").default("~/.docker/cert.pem"),
    text("tlskey", ' ', "Its key").default("~/.docker/key.pem"),
];

/// An engine, and who may start it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Choice {
    /// Its address; the default one if missing.
    host: Option<String>,
    /// Whether to start it when it does not run.
    start: bool,
    /// Files for TLS, if it is wanted.
    tls: Option<SideFiles>,
}

/// The client of the engine that is meant.
pub(crate) fn client(program: &str, global: &Parsed, config: &Path) -> Result<Client> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let choice = choose(program, global, config, &variable)?;
    let version = variable("DOCKER_API_VERSION");
    let port = if choice.tls.is_some() { TLS_PORT } else { PLAIN_PORT };
    let endpoint = match &choice.host {
        Some(host) => Endpoint::parse(host, port)?,
        None => Endpoint::default_socket(),
    };
    let on_tcp = matches!(endpoint, Endpoint::Tcp(_));
    if !on_tcp && (global.on("tlsverify") || global.on("tls")) {
        bail!("--tlsverify is for engines behind tcp://, not for {endpoint}: leave it out");
    }
    let client = Client::new(endpoint, choice.start, version.as_deref());
    match choice.tls.filter(|_| on_tcp) {
        None => Ok(client),
        Some(files) => {
            let mut settings = files.client().context("cannot use TLS with the engine")?;
            settings.alpn_protocols = vec![b"http/1.1".to_vec()];
            Ok(client.with_tls(settings.into()))
        }
    }
}

fn choose(
    program: &str,
    global: &Parsed,
    config: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Choice> {
    if global.given("host") && global.given("context") {
        bail!("conflicting options: cannot specify both --host and --context");
    }
    let directly = |host: String, start: bool| -> Result<Choice> {
        Ok(Choice { host: Some(host), start, tls: tls_files(global, config, variable)? })
    };
    // An engine that is named for one command, or for docker, is somebody else's to start.
    if let Some(host) = global.get("host") {
        return directly(host.to_owned(), false);
    }
    if let Some(name) = global.get("context") {
        return context(config, name);
    }
    if let Some(host) = variable("ISOPOD_HOST") {
        return directly(host, true);
    }
    if let Some(host) = variable("DOCKER_HOST") {
        return directly(host, false);
    }
    // What docker was last switched to is not what was said to isopod.
    let current = match variable("DOCKER_CONTEXT") {
        None if program == "docker" => {
            read_json::<Current>(&config.join("config.json"))?.unwrap_or_default().current_context
        }
        name => name.unwrap_or_default(),
    };
    match current.as_str() {
        "" => Ok(Choice { start: true, ..Choice::default() }),
        name => context(config, name),
    }
}

/// What flags and environment say about TLS.
fn tls_files(
    global: &Parsed,
    config: &Path,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SideFiles>> {
    let verify = match global.given("tlsverify") {
        true => global.on("tlsverify"),
        false => variable("DOCKER_TLS_VERIFY").is_some(),
    };
    if !verify {
        if global.on("tls") || variable("DOCKER_TLS").is_some() {
            bail!(
                "TLS without looking at the server's certificate is not supported, since anybody \
                 could be the server: give --tlsverify (or set DOCKER_TLS_VERIFY) and --tlscacert"
            );
        }
        return Ok(None);
    }
    let directory = variable("DOCKER_CERT_PATH").map_or_else(|| config.to_owned(), PathBuf::from);
    let default = SideFiles::of_client(&directory);
    let file = |flag: &str, default: PathBuf| match global.given(flag) {
        true => global.get(flag).map_or(default, PathBuf::from),
        false => default,
    };
    Ok(Some(SideFiles {
        authority: file("tlscacert", default.authority),
        certificate: file("tlscert", default.certificate),
        key: file("tlskey", default.key),
    }))
}

/// The part of docker's `config.json` that names a context.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Current {
    current_context: String,
}

/// A context's `meta.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    #[serde(default)]
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The engine that docker's context of this name means. Docker keeps contexts in directories
/// that are called by the digest of the name.
fn context(config: &Path, name: &str) -> Result<Choice> {
    if name == "default" {
        return Ok(Choice { start: true, ..Choice::default() });
    }
    let digest = Digest::sha256(name.as_bytes());
    let contexts = config.join("contexts");
    let path = contexts.join("meta").join(digest.hex()).join("meta.json");
    let Some(metadata) = read_json::<Metadata>(&path)? else {
        bail!("context \"{name}\": context not found: expected {}", path.display());
    };
    let endpoint = metadata.endpoints.docker;
    if endpoint.skip_tls_verify {
        bail!(
            "context \"{name}\" ({}) does not verify the server's certificate, which is not \
             supported, since anybody could be the server",
            path.display()
        );
    }
    let files = SideFiles::of_client(&contexts.join("tls").join(digest.hex()).join("docker"));
    let tls = files.authority.exists().then_some(files);
    Ok(Choice { host: Some(endpoint.host).filter(|host| !host.is_empty()), start: false, tls })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn choice(
        program: &str,
        words: &[&str],
        variables: &[(&str, &str)],
        config: &Path,
    ) -> Result<Choice> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let global = args::parse(&[FLAGS], &words, false).expect("flags");
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        choose(program, &global, config, &variable)
    }

    #[test]
    fn the_first_that_is_said_counts() {
        let nowhere = Path::new("/nonexistent");
        let all = [("ISOPOD_HOST", "unix:///i"), ("DOCKER_HOST", "tcp://d:1")];
        for (words, variables, host, start) in [
            (&["-H", "/h"][..], &all[..], Some("/h"), false),
            (&[], &all, Some("unix:///i"), true),
            (&[], &all[1..], Some("tcp://d:1"), false),
            (&["-c", "default"], &all, None, true),
            (&[], &[], None, true),
        ] {
            let choice = choice("isopod", words, variables, nowhere).expect("a choice");
            assert_eq!((choice.host.as_deref(), choice.start), (host, start), "{words:?}");
            assert_eq!(choice.tls, None);
        }
        let both = choice("isopod", &["-H", "/h", "-c", "x"], &[], nowhere).expect_err("both");
        assert!(both.to_string().starts_with("conflicting options"), "{both}");
    }

    #[test]
    fn files_for_tls() {
        let config = Path::new("/home/me/.docker");
        let files = |words: &[&str], variables: &[(&str, &str)]| {
            let words = [&["-H", "tcp://h"], words].concat();
            choice("isopod", &words, variables, config).map(|choice| choice.tls)
        };
        assert_eq!(
            files(&["--tlsverify"], &[]).expect("verified"),
            Some(SideFiles::of_client(config))
        );
        let variables = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")];
        let found = files(&["--tlskey", "/k"], &variables).expect("verified").expect("wanted");
        assert_eq!(found.authority, Path::new("/certs/ca.pem"));
        assert_eq!(found.key, Path::new("/k"));
        assert_eq!(files(&["--tlsverify=false"], &variables).expect("not wanted"), None);
        for (words, variables) in [(&["--tls"][..], &[][..]), (&[], &[("DOCKER_TLS", "1")])] {
            let error = files(words, variables).expect_err("unverified").to_string();
            assert!(error.contains("--tlsverify"), "{error}");
        }
    }

    #[test]
    fn contexts_are_docker_s() {
        let config = tempfile::tempdir().expect("temporary directory");
        let write = |path: &str, text: &str| {
            let path = config.path().join(path);
            std::fs::create_dir_all(path.parent().expect("within")).expect("makes");
            std::fs::write(path, text).expect("writes");
        };
        // The digest of "far", as docker names the directory.
        let id = Digest::sha256(b"far").hex().to_owned();
        write("config.json", r#"{"currentContext":"far"}"#);
        write(
            &format!("contexts/meta/{id}/meta.json"),
            r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:2376","SkipTLSVerify":false}}}"#,
        );
        write(&format!("contexts/tls/{id}/docker/ca.pem"), "");
        let far = choice("docker", &[], &[], config.path()).expect("current");
        assert_eq!(far.host.as_deref(), Some("tcp://far:2376"));
        assert!(far.tls.is_some_and(|tls| tls.authority.ends_with("docker/ca.pem")));
        assert_eq!(choice("isopod", &[], &[], config.path()).expect("own").host, None);
        let named = choice("isopod", &[], &[("DOCKER_CONTEXT", "far")], config.path());
        assert_eq!(named.expect("named").host.as_deref(), Some("tcp://far:2376"));
        let error = choice("isopod", &["-c", "gone"], &[], config.path()).expect_err("gone");
        assert!(error.to_string().contains("context not found"), "{error}");
    }
}
