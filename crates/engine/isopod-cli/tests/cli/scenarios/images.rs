//! Images: archives, names, registries.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use isopod_testkit::{Limited, ProcessGuard, peer};

use crate::Scenario;
use crate::engines::Engine;

pub(crate) const ALL: &[Scenario] = &[
    ("save, remove, load", archives),
    ("commit, history, tag", commit),
    ("export and import", export),
    ("push and pull", registry),
    ("names that are none", names),
];

fn archives(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let at = |name: &str| engine.path(name).display().to_string();
    program.ok(&["tag", "demo", "saved:1"])?;
    program.run(&["save", "-o", &at("saved.tar"), "saved:1"]).code(0)?.prints("")?;
    let (bytes, printed) = program.run_bytes(&["save", "saved:1"], b"");
    printed.code(0)?;
    ensure!(bytes.len() > 100_000);
    program.run(&["rmi", "saved:1"]).code(0)?.prints("Untagged: saved:1\n")?;
    program.run(&["rmi", "saved:1"]).code(1)?.complains("No such image: saved:1")?;
    program.run(&["load", "-i", &at("saved.tar")]).code(0)?.prints("Loaded image: saved:1\n")?;
    program.ok(&["rmi", "saved:1"])?;
    let (out, printed) = program.run_bytes(&["load", "-q"], &bytes);
    printed.code(0)?;
    ensure!(out == b"Loaded image: saved:1\n", "{}", String::from_utf8_lossy(&out));
    program.ok(&["rmi", "saved:1"])?;
    program
        .run(&["load", "-i", "/nonexistent"])
        .code(1)?
        .complains("open /nonexistent: no such file or directory")?;
    program.run(&["save", "nosuch"]).code(1)?.complains("No such image")?;
    program.run(&["save", "-o", "/nonexistent/x", "demo"]).code(1)?.complains(
        "failed to save image: invalid output path: stat /nonexistent: no such file or directory",
    )?;
    fs::remove_file(engine.path("saved.tar"))?;
    let left = fs::read_dir(engine.path(""))?.flatten();
    ensure!(
        !left
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(".isopod-save"))
    );
    Ok(())
}

fn commit(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&[
        "run",
        "--name",
        "cmt",
        "--network=none",
        "demo",
        "sh",
        "-c",
        "echo new > /made; rm /etc/group",
    ])?;
    let changes = program.ok(&["diff", "cmt"])?;
    ensure!(
        changes.lines().any(|line| line == "A /made")
            && changes.lines().any(|line| line == "D /etc/group"),
        "{changes}"
    );
    let id = program.ok(&[
        "commit",
        "-m",
        "a message",
        "-c",
        "CMD [\"cat\", \"/made\"]",
        "cmt",
        "cmt:1",
    ])?;
    ensure!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    program.run(&["run", "--rm", "--network=none", "cmt:1"]).code(0)?.prints("new\n")?;
    ensure!(
        program.ok(&["history", "cmt:1", "--format", "{{.Comment}}"])?.lines().next()
            == Some("a message")
    );
    ensure!(program.ok(&["images", "-q", "--no-trunc", "cmt"])? == id);
    program.run(&["images", "cmt"]).code(0)?.contains("REPOSITORY   TAG       IMAGE ID")?;
    ensure!(
        program.ok(&["image", "inspect", "-f", "{{json .Config.Cmd}}", "cmt:1"])?
            == r#"["cat","/made"]"#
    );
    program.ok(&["tag", "cmt:1", "other.example:5000/a/b:2"])?;
    ensure!(
        program.ok(&[
            "images",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            "other.example:5000/a/b"
        ])? == "other.example:5000/a/b:2"
    );
    program.ok(&["rm", "cmt"])?;
    program
        .run(&["rmi", "cmt:1", "other.example:5000/a/b:2"])
        .code(0)?
        .contains("Untagged: cmt:1\n")?
        .contains(&format!("Deleted: {id}\n"))?;
    Ok(())
}

fn export(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&[
        "run",
        "--name",
        "exp",
        "--network=none",
        "demo",
        "sh",
        "-c",
        "echo x > /made",
    ])?;
    let (bytes, printed) = program.run_bytes(&["export", "exp"], b"");
    printed.code(0)?;
    let printed = program.run_bytes(&["import", "-c", "ENV A=b", "-", "exp:1"], &bytes);
    printed.1.code(0)?;
    ensure!(printed.0.starts_with(b"sha256:"));
    program
        .run(&["run", "--rm", "--network=none", "exp:1", "sh", "-c", "cat /made; echo $A"])
        .code(0)?
        .prints("x\nb\n")?;
    program.ok(&["rm", "exp"])?;
    program.ok(&["rmi", "exp:1"])?;
    Ok(())
}

fn registry(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let Some(serve) = peer("docker-registry") else {
        isopod_testkit::skip("push and pull", "docker-registry is not installed");
        return Ok(());
    };
    let config = engine.path("registry.yml");
    let text = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
         http: {{addr: '127.0.0.1:5999'}}\n",
        engine.path("registry").display()
    );
    fs::write(&config, text)?;
    let mut command = engine.network.command(serve);
    command
        .arg("serve")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _registry = ProcessGuard::spawn(&mut command)?;
    let name = "localhost:5999/team/app:v1";
    program.ok(&["tag", "demo", name])?;
    let mut pushed = program.run(&["push", name]);
    Limited::seconds(20).until("the registry takes the image", || {
        pushed.code(0).is_ok() || {
            pushed = program.run(&["push", name]);
            false
        }
    })?;
    pushed.contains("The push refers to repository [localhost:5999/team/app]\n")?;
    let line = pushed.stdout.lines().find(|line| line.starts_with("v1: digest: sha256:"));
    let digest =
        line.and_then(|line| line.split_whitespace().nth(2)).context("a digest")?.to_owned();
    program.ok(&["rmi", name])?;
    let pulled = program.run(&["pull", name]);
    pulled
        .code(0)?
        .contains(&format!("Digest: {digest}\n"))?
        .contains("v1: Pulling from team/app\n")?;
    ensure!(pulled.stdout.ends_with(&format!("{name}\n")), "{pulled:?}");
    program.run(&["pull", "-q", name]).code(0)?.prints(&format!("{name}\n"))?;
    ensure!(
        program.ok(&[
            "images",
            "--digests",
            "--format",
            "{{.Digest}}",
            "localhost:5999/team/app"
        ])? == digest
    );
    program.run(&["push", "-q", name]).code(0)?.prints(&format!("{name}\n"))?;
    program.ok(&["rmi", "-f", name])?;
    // An image that is missing is pulled, and progress goes to standard error.
    let ran = program.run(&["run", "--rm", "--network=none", name, "echo", "pulled"]);
    ran.code(0)?
        .prints("pulled\n")?
        .complains(&format!("Unable to find image '{name}' locally\n"))?
        .complains(&digest)?;
    program.ok(&["rmi", "-f", name])?;
    program
        .run(&["pull", "localhost:5999/team/none"])
        .code(1)?
        .complains("Error response from daemon: ")?;
    program.run(&["pull", "localhost:1/x"]).code(1)?.complains("refused")?;
    program.run(&["push", "nosuch"]).code(1)?.complains("does not exist locally")?;
    Ok(())
}

fn names(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.run(&["run", "UPPER"]).code(125)?.complains(
        "isopod: invalid reference format: repository name (library/UPPER) must be lowercase",
    )?;
    program.run(&["pull", "a b"]).code(1)?.complains("invalid reference format")?;
    program.run(&["tag", "demo", "x:y:z"]).code(1)?.complains("invalid reference format")?;
    program.run(&["tag", "nosuch", "x"]).code(1)?.complains("No such image: nosuch:latest")?;
    program
        .run(&["inspect", "nosuch"])
        .code(1)?
        .prints("[]\n")?
        .complains("Error: No such object: nosuch")?;
    Ok(())
}
