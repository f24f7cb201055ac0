//! Debian's `docker-registry` as a child process on a port of its own.

use std::fs;
use std::process::{Command, Stdio};

use isopod_testkit::{Limited, ProcessGuard, TempDir, peer, skip, temp_dir};

/// `hunter2` by bcrypt.
const HTPASSWD: &str = "amelie:$2b$04$0MapDfwWyedwSQvD0uRlw.jCQ9VJsN5UrDxvf1y7JdZnPDa3wPG96\n";

/// A running registry; it ends and its storage goes when this is dropped.
pub(crate) struct Registry {
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    _process: ProcessGuard,
    directory: TempDir,
}

impl Registry {
    /// Starts an open registry, or says why the test is skipped.
    pub(crate) fn open(test: &str) -> Option<Self> {
        Self::start(test, false)
    }

    /// Starts one that wants the user `amelie` and the password `hunter2`.
    #[allow(dead_code, reason = "other test binaries share this file")]
    pub(crate) fn with_password(test: &str) -> Option<Self> {
        Self::start(test, true)
    }

    fn start(test: &str, password: bool) -> Option<Self> {
        let Some(program) = peer("docker-registry") else {
            skip(test, "docker-registry is not installed");
            return None;
        };
        let directory = temp_dir("registry").unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("htpasswd"), HTPASSWD).unwrap();
        let mut config = format!(
            "version: 0.1\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"127.0.0.1:0\", secret: test}}\n",
            path("storage").display()
        );
        if password {
            let file = path("htpasswd");
            config += &format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file.display());
        }
        fs::write(path("config.yml"), config).unwrap();
        let log = fs::File::create(path("log")).unwrap();
        let process = ProcessGuard::spawn(
            Command::new(program)
                .arg("serve")
                .arg(path("config.yml"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log),
        )
        .unwrap();
        let mut address = None;
        Limited::seconds(20)
            .until("docker-registry listens", || {
                let log = fs::read_to_string(path("log")).unwrap_or_default();
                address = log
                    .split_once("listening on ")
                    .and_then(|(_, rest)| rest.split_once('"'))
                    .map(|(address, _)| address.to_owned());
                address.is_some()
            })
            .unwrap();
        Some(Self { address: address.unwrap(), _process: process, directory })
    }

    /// Where it keeps its blobs, for tests that damage them.
    #[allow(dead_code, reason = "other test binaries share this file")]
    pub(crate) fn storage(&self) -> std::path::PathBuf {
        self.directory.path().join("storage")
    }

    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }
}
