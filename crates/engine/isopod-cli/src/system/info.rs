//! `info`.

use std::fmt::Write as _;
use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::binary_size;
use isopod_docker_types::Info;

use crate::args::{Flag, Parsed, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Found, print_found, stderr, stdout};
use crate::session::{Raw, Session};
use isopod_client::Payload;

static FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
];

pub(super) static INFO: Command = Command {
    names: &["system info", "info"],
    usage: "[OPTIONS]",
    summary: "Show how the engine is set up",
    examples: &[
        ("info", "Show everything"),
        ("info -f '{{.Driver}} {{.CgroupVersion}}'", "Show some of it"),
    ],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(info(session, flags)),
    ..Command::DEFAULT
};

async fn info(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let bytes = session.client.bytes(Method::GET, "/info", Payload::Empty).await?;
    if let Some(format) = flags.get("format").or(flags.get("output")) {
        let document: Raw = serde_json::from_slice(&bytes).context("the engine's information")?;
        let found = Found { documents: vec![document], problems: vec![] };
        return print_found(&found, Some(format));
    }
    let info: Info =
        serde_json::from_slice(&bytes).context("the engine's information is not as expected")?;
    let mut text = format!(
        "Client:\n Version:    {}\n Host:       {}\n\nServer:\n",
        env!("CARGO_PKG_VERSION"),
        session.client.endpoint
    );
    describe(&info, &mut text);
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    for warning in &info.warnings {
        writeln!(stderr(), "{warning}").context("write to standard error")?;
    }
    Ok(0)
}

fn describe(info: &Info, out: &mut String) {
    let mut line = |indent: usize, name: &str, value: &str| {
        let _ = writeln!(out, "{:indent$}{name}: {value}", "");
    };
    let number = |number: i64| number.to_string();
    line(1, "Containers", &number(info.containers));
    line(2, "Running", &number(info.containers_running));
    line(2, "Paused", &number(info.containers_paused));
    line(2, "Stopped", &number(info.containers_stopped));
    line(1, "Images", &number(info.images));
    line(1, "Server Version", &info.server_version);
    line(1, "Storage Driver", &info.driver);
    for [name, value] in &info.driver_status {
        line(2, name, value);
    }
    line(1, "Logging Driver", &info.logging_driver);
    line(1, "Cgroup Driver", &info.cgroup_driver);
    if !info.cgroup_version.is_empty() {
        line(1, "Cgroup Version", &info.cgroup_version);
    }
    line(1, "Plugins", "");
    line(2, "Volume", &info.plugins.volume.join(" "));
    line(2, "Network", &info.plugins.network.join(" "));
    line(2, "Log", &info.plugins.log.join(" "));
    line(1, "Swarm", &info.swarm.local_node_state);
    if !info.runtimes.is_empty() {
        let names: Vec<&str> = info.runtimes.keys().map(String::as_str).collect();
        line(1, "Runtimes", &names.join(" "));
        line(1, "Default Runtime", &info.default_runtime);
    }
    line(1, "Init Binary", &info.init_binary);
    if !info.security_options.is_empty() {
        line(1, "Security Options", "");
        for option in &info.security_options {
            for (at, pair) in option.split(',').enumerate() {
                match (at, pair.split_once('=')) {
                    (0, Some(("name", name))) => line(2, name, ""),
                    (_, Some((key, value))) => {
                        let mut key = key.to_owned();
                        if let Some(first) = key.get_mut(..1) {
                            first.make_ascii_uppercase();
                        }
                        line(3, &key, value);
                    }
                    (_, None) => line(2, pair, ""),
                }
            }
        }
    }
    line(1, "Kernel Version", &info.kernel_version);
    line(1, "Operating System", &info.operating_system);
    line(1, "OSType", &info.os_type);
    line(1, "Architecture", &info.architecture);
    line(1, "CPUs", &number(info.ncpu));
    line(1, "Total Memory", &binary_size(info.mem_total.unsigned_abs()));
    line(1, "Name", &info.name);
    line(1, "ID", &info.id);
    line(1, "Docker Root Dir", &info.docker_root_dir);
    line(1, "Debug Mode", &info.debug.to_string());
    for (name, value) in [
        ("HTTP Proxy", &info.http_proxy),
        ("HTTPS Proxy", &info.https_proxy),
        ("No Proxy", &info.no_proxy),
    ] {
        if !value.is_empty() {
            line(1, name, value);
        }
    }
    if !info.labels.is_empty() {
        line(1, "Labels", "");
        info.labels.iter().for_each(|label| line(2, label, ""));
    }
    line(1, "Experimental", &info.experimental_build.to_string());
    if let Some(registries) = &info.registry_config {
        line(1, "Insecure Registries", "");
        for (name, index) in &registries.index_configs {
            if !index.secure {
                line(2, name, "");
            }
        }
        for range in &registries.insecure_registry_cidrs {
            line(2, range, "");
        }
        if !registries.mirrors.is_empty() {
            line(1, "Registry Mirrors", "");
            registries.mirrors.iter().for_each(|mirror| line(2, mirror, ""));
        }
    }
    line(1, "Live Restore Enabled", &info.live_restore_enabled.to_string());
    // Names without a value: docker prints some with and some without the colon.
    let cleaned = out
        .lines()
        .map(|line| {
            let line = line.trim_end();
            match line.strip_suffix(':') {
                Some(bare) if bare.starts_with("  ") && !bare.starts_with("   ") => bare,
                _ => line,
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    *out = cleaned + "\n";
}
