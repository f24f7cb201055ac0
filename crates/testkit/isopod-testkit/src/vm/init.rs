//! The first process of a virtual machine.
//!
//! It mounts what programs expect, loads the modules of its plan, runs the plan's commands with
//! the serial console as their output, reports each with marker lines, and turns the machine off.
//! Any static binary can be it: `vm-init` is nothing else, and a test program that is to run in
//! a machine can call [`init`] when it finds itself first.

use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::system::{RebootCommand, finit_module, reboot};

const CONSOLE: &str = "/dev/ttyS0";

/// Whether this process is the first of a machine, and so has to call [`init`].
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// Carries out the plan in `/vm-plan.json` and turns the machine off.
pub fn init() {
    if let Err(error) = work() {
        say(&format!("@vm failed {error:#}"));
    }
    say("@vm done");
    rustix::fs::sync();
    let _ = reboot(RebootCommand::Restart);
}

fn work() -> Result<()> {
    let plan = fs::read("/vm-plan.json").context("cannot read /vm-plan.json")?;
    let plan: serde_json::Value = serde_json::from_slice(&plan).context("/vm-plan.json")?;
    leave_first_root().context("cannot leave the first root file system")?;
    mounts()?;
    let strings = |value: &serde_json::Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    for module in strings(&plan["modules"]) {
        let file = File::open(&module).with_context(|| format!("cannot open {module}"))?;
        match finit_module(&file, c"", 0) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot load {module}")),
        }
    }
    let commands = plan["commands"].as_array().cloned().unwrap_or_default();
    for (index, command) in commands.iter().enumerate() {
        say(&format!("@vm begin {index}"));
        let status = run(&strings(command));
        say(&format!("@vm end {index} {status}"));
    }
    Ok(())
}

/// `pivot_root` refuses to replace the kernel's first root file system, and runtimes pivot: so
/// everything moves to a tmpfs first.
fn leave_first_root() -> Result<()> {
    fs::create_dir_all("/newroot")?;
    mount("tmpfs", "/newroot", "tmpfs", MountFlags::empty(), c"mode=755")?;
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        if entry.file_name() != "newroot" && entry.file_name() != "dev" {
            let target = std::path::Path::new("/newroot").join(entry.file_name());
            copy(&entry.path(), &target)
                .with_context(|| format!("cannot copy {}", entry.path().display()))?;
        }
    }
    std::env::set_current_dir("/newroot")?;
    mount_move(".", "/")?;
    rustix::process::chroot(".")?;
    std::env::set_current_dir("/")?;
    Ok(())
}

/// Copies a tree and removes it at its old place, so that memory holds it once.
fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    if from.symlink_metadata()?.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        fs::copy(from, to)?;
        fs::remove_file(from)?;
    }
    Ok(())
}

fn mounts() -> Result<()> {
    let none: &CStr = c"";
    let table: &[(&str, &str, &CStr)] = &[
        ("proc", "/proc", none),
        ("sysfs", "/sys", none),
        ("devtmpfs", "/dev", none),
        ("devpts", "/dev/pts", c"newinstance,ptmxmode=0666,mode=620,gid=5"),
        ("tmpfs", "/dev/shm", none),
        ("mqueue", "/dev/mqueue", none),
        ("tmpfs", "/run", none),
        ("tmpfs", "/tmp", c"mode=1777"),
        ("cgroup2", "/sys/fs/cgroup", c"nsdelegate"),
    ];
    for (kind, target, options) in table {
        fs::create_dir_all(target).with_context(|| format!("cannot make {target}"))?;
        mount(*kind, *target, *kind, MountFlags::empty(), *options)
            .with_context(|| format!("cannot mount {kind} at {target}"))?;
    }
    for dir in ["/root", "/var", "/etc"] {
        fs::create_dir_all(dir)?;
    }
    if !std::path::Path::new("/etc/passwd").exists() {
        fs::write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")?;
    }
    // What a service manager would do: init leaves the root group, so that controllers can be
    // enabled for the groups below it.
    let root = "/sys/fs/cgroup";
    let available = fs::read_to_string(format!("{root}/cgroup.controllers"))?;
    for controller in available.split_ascii_whitespace() {
        let _ = fs::write(format!("{root}/cgroup.subtree_control"), format!("+{controller}"));
    }
    Ok(())
}

fn run(argv: &[String]) -> i32 {
    let Some((program, args)) = argv.split_first() else {
        return 127;
    };
    let console =
        || OpenOptions::new().write(true).open(CONSOLE).map_or_else(|_| Stdio::null(), Stdio::from);
    let status = Command::new(program)
        .args(args)
        .env("PATH", "/bin:/sbin:/usr/bin:/usr/sbin")
        .env("HOME", "/root")
        .current_dir("/root")
        .stdin(Stdio::null())
        .stdout(console())
        .stderr(console())
        .status();
    match status {
        Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(error) => {
            say(&format!("cannot run {program}: {error}"));
            127
        }
    }
}

/// A line on the console, which is this process's output once the kernel has opened it, and by
/// its name otherwise.
fn say(line: &str) {
    let text = format!("{line}\n");
    let opened = OpenOptions::new().write(true).open(CONSOLE);
    let _ = match opened {
        Ok(mut console) => console.write_all(text.as_bytes()),
        Err(_) => std::io::stdout().write_all(text.as_bytes()),
    };
}
