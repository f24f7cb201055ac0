//! Runs every `sh` block of the README and of the user's guide, in order, as a reader would.
//!
//! Each document gets a directory with `rootfs.tar` (busybox) in it, an engine of its own with
//! the image `demo` made of that, a network of its own, and `isopod`, `isopod-runtime` and `isobox` on its PATH.
//! Blocks marked `console` are not run.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use isopod_testkit::skip;

#[test]
fn every_command_in_the_documentation_works() {
    let name = "every_command_in_the_documentation_works";
    if !rustix::process::geteuid().is_root() {
        return skip(name, "containers with limits need root");
    }
    if !Path::new("/bin/busybox").exists() {
        return skip(name, "busybox-static is not installed");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("README.md")];
    let guide = std::fs::read_dir(root.join("docs")).expect("docs exists");
    documents.extend(guide.map(|entry| entry.expect("reads").path()));
    documents.sort();
    let failures: Vec<String> = documents.iter().filter_map(|path| run(path).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn run(document: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(document).expect("a document is text");
    let script = blocks(&text, "sh").join("\n");
    if script.is_empty() {
        return Ok(());
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = prepare(dir.path());
    let prelude = "ip link set lo up; trap 'isopod ps -aq | xargs -r isopod rm -f >/dev/null; isopod system shutdown >/dev/null 2>&1' EXIT; set -ex\n\
        isopod import -c 'CMD [\"/bin/sh\"]' rootfs.tar demo\n";
    let output = Command::new("timeout")
        .args(["120", "unshare", "--net", "sh", "-c", &format!("{prelude}{script}")])
        .current_dir(dir.path())
        .env("PATH", format!("{}:{}", path.display(), std::env::var("PATH").unwrap_or_default()))
        .env("HOME", dir.path())
        .env("ISOPOD_DATA_ROOT", dir.path().join("data"))
        .env("ISOPOD_EXEC_ROOT", dir.path().join("exec"))
        .env("ISOPOD_HOST", format!("unix://{}/s.sock", dir.path().display()))
        .stdin(std::process::Stdio::null())
        .output()
        .expect("sh runs");
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}: {}\n{}{}",
        document.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// Puts `rootfs.tar` and a `bin` with isopod's names into `dir`; returns the latter.
pub(super) fn prepare(dir: &Path) -> PathBuf {
    let bin = dir.join("bin");
    let rootfs = dir.join("rootfs");
    for made in [&bin, &rootfs.join("bin"), &rootfs.join("etc"), &rootfs.join("tmp")] {
        std::fs::create_dir_all(made).expect("makes");
    }
    for name in ["isopod", "isopod-runtime"] {
        symlink(super::isopod(), bin.join(name)).expect("links");
    }
    // Built beside it; only the toolbox's chapters ask for it.
    symlink(super::isopod().with_file_name("isobox"), bin.join("isobox")).expect("links");
    std::fs::copy("/bin/busybox", rootfs.join("bin/busybox")).expect("copies");
    let applets = Command::new("/bin/busybox").arg("--list").output().expect("busybox runs").stdout;
    for applet in String::from_utf8(applets).expect("names").lines().filter(|a| *a != "busybox") {
        symlink("busybox", rootfs.join("bin").join(applet)).expect("links");
    }
    std::fs::write(rootfs.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("writes");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&rootfs).arg("-cf").arg(dir.join("rootfs.tar")).arg(".");
    assert!(tar.status().expect("tar runs").success());
    bin
}

/// The contents of the fenced blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        match (&mut current, line.strip_prefix("```")) {
            (None, Some(info)) if info.trim() == language => current = Some(String::new()),
            (None, Some(_)) => current = Some(String::from("\0")),
            (Some(_), Some(_)) => blocks.extend(current.take().filter(|b| !b.starts_with('\0'))),
            (Some(block), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn only_blocks_of_the_language_are_found() {
    let text = "a\n```sh\none\n```\n```console\n$ no\n```\n```sh\ntwo\n```\n";
    assert_eq!(blocks(text, "sh"), ["one\n", "two\n"]);
}
