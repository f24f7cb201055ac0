//! `cp`, both ways.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use anyhow::{Result, ensure};

use crate::Scenario;
use crate::engines::Engine;

pub(crate) const ALL: &[Scenario] = &[
    ("files and directories come out", out),
    ("files and directories go in", into),
    ("archives on standard input and output", archives),
    ("refusals", refusals),
];

fn out(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let script = "mkdir -p /d/sub && echo one > /d/f && echo two > /d/sub/g && ln -s f /d/l && \
                  chmod 640 /d/f && touch -d '2001-02-03 04:05:06' /d/f && ln -s /d /link";
    program.ok(&["run", "--name", "cpo", "--network=none", "demo", "sh", "-c", script])?;
    let here = engine.path("out");
    fs::create_dir(&here)?;
    let at = |name: &str| here.join(name).display().to_string();
    program.run(&["cp", "cpo:/d/f", &at("")]).code(0)?.prints("")?;
    let data = here.join("f").metadata()?;
    ensure!(data.mode() & 0o777 == 0o640 && data.mtime() == 981_173_106, "{data:?}");
    program.ok(&["cp", "cpo:/d/f", &at("renamed")])?;
    ensure!(fs::read_to_string(here.join("renamed"))? == "one\n");
    program.ok(&["cp", "cpo:/d/sub/g", &at("renamed")])?;
    ensure!(fs::read_to_string(here.join("renamed"))? == "two\n");
    program.ok(&["cp", "cpo:/d", &at("new")])?;
    ensure!(fs::read_to_string(here.join("new/sub/g"))? == "two\n");
    ensure!(fs::read_link(here.join("new/l"))?.display().to_string() == "f");
    program.ok(&["cp", "cpo:/d", &at("new")])?;
    ensure!(here.join("new/d/sub/g").is_file());
    fs::create_dir(here.join("contents"))?;
    program.ok(&["cp", "cpo:/d/.", &at("contents")])?;
    ensure!(here.join("contents/sub/g").is_file() && !here.join("contents/d").exists());
    program.ok(&["cp", "cpo:/d/.", &at("made")])?;
    ensure!(here.join("made/sub/g").is_file());
    program.ok(&["cp", "cpo:/link", &at("link")])?;
    ensure!(here.join("link").is_symlink());
    program.ok(&["cp", "-L", "cpo:/link", &at("followed")])?;
    ensure!(here.join("followed/sub/g").is_file());
    fs::create_dir(here.join("dir"))?;
    program.ok(&["cp", "-L", "cpo:/link", &at("dir")])?;
    ensure!(here.join("dir/link/sub/g").is_file());
    program.ok(&["rm", "cpo"])?;
    Ok(())
}

fn into(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["run", "-d", "--name", "cpi", "--network=none", "demo", "sleep", "1000"])?;
    let here = engine.path("in");
    fs::create_dir_all(here.join("tree/sub"))?;
    fs::write(here.join("tree/f"), "one")?;
    fs::write(here.join("tree/sub/g"), "two")?;
    fs::set_permissions(here.join("tree/f"), fs::Permissions::from_mode(0o604))?;
    symlink("f", here.join("tree/l"))?;
    symlink("tree", here.join("link"))?;
    let at = |name: &str| here.join(name).display().to_string();
    let inside = |script: &str| program.ok(&["exec", "cpi", "sh", "-c", script]);
    program.run(&["cp", &at("tree/f"), "cpi:/tmp"]).code(0)?.prints("")?;
    ensure!(inside("cat /tmp/f; stat -c %a /tmp/f")? == "one604");
    program.ok(&["cp", &at("tree/f"), "cpi:/tmp/renamed"])?;
    ensure!(inside("cat /tmp/renamed")? == "one");
    program.ok(&["cp", &at("tree/sub/g"), "cpi:/tmp/renamed"])?;
    ensure!(inside("cat /tmp/renamed")? == "two");
    program.ok(&["cp", &at("tree"), "cpi:/new"])?;
    ensure!(inside("cat /new/sub/g; readlink /new/l")? == "twof");
    program.ok(&["cp", &at("tree"), "cpi:/new"])?;
    ensure!(inside("cat /new/tree/f")? == "one");
    program.ok(&["cp", &at("tree/."), "cpi:/tmp"])?;
    ensure!(inside("cat /tmp/sub/g")? == "two");
    program.ok(&["cp", &at("link"), "cpi:/tmp/aslink"])?;
    ensure!(inside("readlink /tmp/aslink")? == "tree");
    program.ok(&["cp", "-L", &at("link"), "cpi:/tmp/asdir"])?;
    ensure!(inside("cat /tmp/asdir/f")? == "one");
    // A link in the container is followed within it.
    inside("ln -s /tmp /escape")?;
    program.ok(&["cp", &at("tree/f"), "cpi:/escape/through"])?;
    ensure!(inside("cat /tmp/through")? == "one");
    let relative =
        program.command(&["cp", "tree/sub/g", "cpi:/tmp/relative"]).current_dir(&here).status()?;
    ensure!(relative.success() && inside("cat /tmp/relative")? == "two");
    program.ok(&["rm", "-f", "cpi"])?;
    Ok(())
}

fn archives(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["create", "--name", "cpa", "--network=none", "demo"])?;
    let (bytes, printed) = program.run_bytes(&["cp", "cpa:/etc/passwd", "-"], b"");
    printed.code(0)?;
    let mut archive = tar::Archive::new(bytes.as_slice());
    let names: Vec<String> = archive
        .entries()?
        .map(|entry| Ok(entry?.path()?.display().to_string()))
        .collect::<std::io::Result<_>>()?;
    ensure!(names == ["passwd"], "{names:?}");
    program.run_bytes(&["cp", "-", "cpa:/tmp"], &bytes).1.code(0)?;
    let (copied, printed) = program.run_bytes(&["cp", "cpa:/tmp/passwd", "-"], b"");
    printed.code(0)?;
    ensure!(copied.len() == bytes.len());
    program.ok(&["rm", "cpa"])?;
    Ok(())
}

fn refusals(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["create", "--name", "cpr", "--network=none", "demo"])?;
    for (source, target, text) in [
        ("cpr:/nosuch", "/tmp", "Could not find the file /nosuch in container cpr"),
        ("cpr:/etc/passwd", "/nonexistent/x", "invalid output path"),
        ("/nonexistent", "cpr:/tmp", "no such file or directory"),
        ("a", "b", "must specify at least one container source"),
        ("cpr:/a", "cpr:/b", "copying between containers is not supported"),
        ("nosuch:/x", "/tmp", "No such container: nosuch"),
        ("/etc/passwd", "cpr:/tmp/new/", "no such directory"),
    ] {
        program.run(&["cp", source, target]).code(1)?.complains(text)?;
    }
    program.ok(&["rm", "cpr"])?;
    Ok(())
}
