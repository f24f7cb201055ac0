//! The engine behind TCP: only clients that prove who they are get in, and all works for them.

use crate::daemon::{Daemon, outcome, skip};
use isopod_testkit::NetworkSandbox;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const HOST: &str = "tcp://127.0.0.1:2376";

/// Runs the program under test.
fn isopod(arguments: &[&OsStr]) -> Output {
    let binary = std::env::var_os("ISOPOD_BIN").expect("the daemon needed it too");
    Command::new(binary).args(arguments).stdin(Stdio::null()).output().expect("runs")
}

fn certify(words: &[&str], directory: &Path, clients: &Path) -> Output {
    let mut arguments: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    arguments.extend([OsStr::new("--dir"), directory.as_os_str()]);
    arguments.extend([OsStr::new("--client-dir"), clients.as_os_str()]);
    isopod(&arguments)
}

/// A daemon behind TCP with certificates in `tls/` and a client's in `client/`.
fn start(network: &NetworkSandbox) -> Option<Daemon> {
    if std::env::var_os("ISOPOD_BIN").is_none() {
        skip("ISOPOD_BIN does not name the isopod binary");
        return None;
    }
    Daemon::start_configured(network, |directory| {
        let (tls, client) = (directory.join("tls"), directory.join("client"));
        let made = outcome(certify(&["cert", "create"], &tls, &client));
        assert_eq!(made.code, 0, "{made:?}");
        let socket = format!("unix://{}", directory.join("api.sock").display());
        let file = |name: &str| tls.join(name).display().to_string();
        let config = format!(
            r#"{{"hosts": ["{socket}", "{HOST}"], "tlsverify": true, "tlscacert": "{}",
                 "tlscert": "{}", "tlskey": "{}"}}"#,
            file("ca.pem"),
            file("server-cert.pem"),
            file("server-key.pem")
        );
        std::fs::write(directory.join("daemon.json"), config).expect("writable");
    })
}

/// A client's command in the daemon's network, with the client's certificate.
fn client(network: &NetworkSandbox, daemon: &Daemon, program: &str) -> Command {
    let mut command = network.command("timeout");
    command
        .args(["60", program])
        .env("DOCKER_HOST", HOST)
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", daemon.path("client"))
        .env("DOCKER_CONFIG", daemon.path("client"))
        .env_remove("ISOPOD_HOST")
        // Python's requests prefers these to the authority that docker-py names.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn ok(command: &mut Command) -> String {
    let outcome = outcome(command.output().expect("runs"));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    outcome.stdout.trim_end().to_owned()
}

#[track_caller]
fn fails(command: &mut Command) -> String {
    let outcome = outcome(command.output().expect("runs"));
    assert_ne!(outcome.code, 0, "{outcome:?}");
    outcome.stderr
}

/// A command that gets `input` on its standard input, and then its end.
#[track_caller]
fn fed(command: &mut Command, input: &str) -> String {
    let directory = tempfile::tempdir().expect("temporary directory");
    let path = directory.path().join("input");
    std::fs::write(&path, input).expect("writable");
    ok(command.stdin(std::fs::File::open(path).expect("readable")))
}

#[test]
fn clients_with_certificates_use_all_of_it() {
    let Ok(network) = NetworkSandbox::new() else { return skip("needs network namespaces") };
    let Some(daemon) = start(&network) else { return };
    let own = std::env::var("ISOPOD_BIN").expect("the daemon needed it too");
    for program in ["docker", own.as_str()] {
        let client = || client(&network, &daemon, program);
        assert_eq!(ok(client().args(["run", "--rm", "bb", "echo", "hi"])), "hi", "{program}");
        // Half-closed streams both ways: the end of the input arrives, then that of the output.
        let text = "line\n".repeat(10_000);
        let counted = fed(client().args(["run", "--rm", "-i", "bb", "wc", "-l"]), &text);
        assert_eq!(counted.trim(), "10000", "{program}");
        ok(client().args(["run", "-d", "--name", "box", "bb", "sleep", "1000"]));
        let echoed = fed(client().args(["exec", "-i", "box", "cat"]), &text);
        assert_eq!(echoed.lines().count(), 10_000, "{program}");
        let status = client().args(["exec", "box", "sh", "-c", "exit 3"]).status().expect("runs");
        assert_eq!(status.code(), Some(3), "{program}");
        ok(client().args(["cp", "box:/data/given", daemon.path("copy").to_str().expect("text")]));
        assert_eq!(std::fs::read(daemon.path("copy")).expect("copied"), b"of the image\n");
        ok(client().args(["rm", "-f", "box"]));
    }
}

#[test]
fn nobody_else_gets_in() {
    let Ok(network) = NetworkSandbox::new() else { return skip("needs network namespaces") };
    let Some(daemon) = start(&network) else { return };
    let own = std::env::var("ISOPOD_BIN").expect("the daemon needed it too");
    let other = certify(&["cert", "create"], &daemon.path("other"), &daemon.path("stranger"));
    assert!(other.status.success());
    for program in ["docker", own.as_str()] {
        let client = || client(&network, &daemon, program);
        let mut plain = client();
        let message = fails(plain.env_remove("DOCKER_TLS_VERIFY").arg("ps"));
        assert!(message.contains("HTTP request to an HTTPS server"), "{program}: {message}");
        // Another authority's client does not trust the server, nor the server it.
        let message = fails(client().env("DOCKER_CERT_PATH", daemon.path("stranger")).arg("ps"));
        assert!(message.contains("certificate"), "{program}: {message}");
        let authority = daemon.path("client/ca.pem");
        let authority = authority.to_str().expect("text");
        let message = fails(client().env("DOCKER_CERT_PATH", daemon.path("stranger")).args([
            "--tlscacert",
            authority,
            "--tlsverify",
            "ps",
        ]));
        assert!(!message.is_empty(), "{program}");
    }
    assert_eq!(daemon.ok(&["ps", "-q"]), "");
}

#[test]
fn docker_py_gets_in() {
    let Some(python) = std::env::var_os("ISOPOD_PYTHON") else {
        return skip("ISOPOD_PYTHON does not name a Python that has docker-py");
    };
    let Ok(network) = NetworkSandbox::new() else { return skip("needs network namespaces") };
    let Some(daemon) = start(&network) else { return };
    let script = "import docker\n\
        client = docker.from_env(timeout=60)\n\
        assert client.containers.run('bb', 'echo hi', remove=True) == b'hi\\n'\n\
        box = client.containers.run('bb', 'sleep 1000', detach=True)\n\
        assert box.exec_run('echo out') == (0, b'out\\n')\n\
        box.remove(force=True)\n";
    ok(client(&network, &daemon, &python.to_string_lossy()).args(["-c", script]));
}

#[test]
fn certificates_are_kept_shown_and_renewed() {
    let Ok(network) = NetworkSandbox::new() else { return skip("needs network namespaces") };
    let Some(daemon) = start(&network) else { return };
    let (tls, clients) = (daemon.path("tls"), daemon.path("client"));
    let again = outcome(certify(&["cert", "create", "other.example"], &tls, &clients));
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.lines().all(|line| line.starts_with("kept ")), "{}", again.stdout);
    let until = || {
        let format = "{{.Purpose}} {{.State}} {{.Fingerprint}}";
        outcome(certify(&["cert", "show", "--format", format], &tls, &clients)).stdout
    };
    let before = until();
    let words: Vec<&str> = before.split_whitespace().filter(|word| !word.contains(':')).collect();
    assert_eq!(words, ["authority", "valid", "server", "valid", "client", "valid"], "{before}");
    let renewed = outcome(certify(&["cert", "renew", "--days", "90"], &tls, &clients));
    assert_eq!(renewed.code, 0, "{renewed:?}");
    assert_eq!(renewed.stdout.lines().count(), 2, "{}", renewed.stdout);
    let changed = before.lines().zip(until().lines()).filter(|(old, new)| old != new).count();
    assert_eq!(changed, 2, "all but the authority");
    assert!(!ok(client(&network, &daemon, "docker").args(["version"])).is_empty());
    // What belongs to another authority is left alone.
    let elsewhere = daemon.path("elsewhere");
    let refused = outcome(certify(&["cert", "create"], &elsewhere, &clients));
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("another authority's"), "{}", refused.stderr);
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    };
    assert_eq!(mode(&clients.join("key.pem")), 0o600);
    assert_eq!(mode(&tls.join("ca-key.pem")), 0o600);
}
