//! Known ways out of a container, each of which must fail.

use std::os::unix::fs::symlink;

use crate::Case;
use crate::fixture::{Fixture, kill};

pub(crate) const CASES: &[Case] = &[
    ("breakouts::cve_2019_5736_own_executable", own_executable),
    ("breakouts::cve_2024_21626_leaked_directory", leaked_directory),
    ("breakouts::cve_2019_19921_proc_behind_a_link", proc_behind_a_link),
    ("breakouts::cve_2019_16884_mount_inside_proc", mount_inside_proc),
    ("breakouts::cve_2021_30465_mount_point_behind_a_link", mount_point_behind_a_link),
    ("breakouts::cve_2025_31133_null_behind_a_link", null_behind_a_link),
    ("breakouts::cve_2025_52565_console_behind_a_link", console_behind_a_link),
    ("breakouts::cve_2025_52565_false_devpts", false_devpts),
    ("breakouts::cve_2025_52881_false_proc", false_proc),
    ("breakouts::the_joining_process_cannot_be_traced", the_joining_process_cannot_be_traced),
    ("breakouts::passwd_behind_a_link", passwd_behind_a_link),
    ("breakouts::device_behind_a_link", device_behind_a_link),
    ("breakouts::working_directory_behind_a_link", working_directory_behind_a_link),
];

/// A file of the host that a container must not reach, outside every root file system.
fn secret(fixture: &Fixture) -> std::path::PathBuf {
    let path = fixture.path().join("secret");
    std::fs::create_dir(&path).unwrap();
    path
}

/// Argument with which the test's program seals itself, says so and waits.
pub(crate) const HELPER: &str = "--sealed-helper";

/// What the helper does: becomes itself again through the sealed file, as whoever enters a
/// container does.
pub(crate) fn helper() -> ! {
    use std::os::fd::AsFd;
    if !isopod_sys::sealed_exe::is_sealed() {
        let file = isopod_sys::sealed_exe::open().unwrap();
        let words = ["runtime", HELPER].map(|word| std::ffi::CString::new(word).unwrap());
        panic!("{}", isopod_sys::execute::execve_file(file.as_fd(), &words, &[]));
    }
    println!("sealed");
    let _ = std::io::stdin().read_line(&mut String::new());
    std::process::exit(0)
}

fn own_executable() {
    use std::io::BufRead;
    use std::os::fd::AsRawFd;
    use std::process::{Command, Stdio};
    let dir = isopod_testkit::temp_dir("own-executable").unwrap();
    let program = dir.path().join("program");
    std::fs::copy("/proc/self/exe", &program).unwrap();
    let mut child = Command::new(&program)
        .arg(HELPER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "sealed\n");
    // The attack: a handle of the program's file, used for writing once it runs no more.
    let exe = rustix::fs::open(
        format!("/proc/{}/exe", child.id()),
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    let path = format!("/proc/self/fd/{}", exe.as_raw_fd());
    let error = std::fs::OpenOptions::new().write(true).open(path).expect_err("must not open");
    // A read-only file system, or the seal of a copy in memory.
    assert!(matches!(error.raw_os_error(), Some(30 | 1)), "{error}");
}

fn leaked_directory() {
    // A directory of the host that stayed open, named by the working directory.
    let leak = std::fs::File::open("/etc").unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&leak);
    for cwd in [format!("/proc/self/fd/{number}"), "/proc/self/fd/7".into(), "/proc/1/cwd".into()] {
        let fixture = Fixture::new("pwd; ls").with(&format!(r#"{{"process":{{"cwd":"{cwd}"}}}}"#));
        if let Ok(outcome) = fixture.try_run() {
            assert!(!outcome.output.contains("shadow"), "{cwd}: {}", outcome.output);
        }
    }
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    for number in 3..12 {
        let outcome = fixture.exec(|options| {
            options.process.cwd = format!("/proc/self/fd/{number}");
            options.process.args = ["sh", "-c", "ls; ls ../.."].map(str::to_owned).to_vec();
        });
        if let Ok(outcome) = outcome {
            assert!(!outcome.output.contains("root\nrun\n"), "{number}: {}", outcome.output);
            assert!(!outcome.output.contains("shadow"), "{number}: {}", outcome.output);
        }
    }
    kill(&created);
}

fn proc_behind_a_link() {
    let fixture = Fixture::new("true");
    let rootfs = fixture.rootfs();
    let _ = std::fs::remove_dir_all(rootfs.join("proc"));
    std::fs::create_dir(rootfs.join("false")).unwrap();
    symlink("/false", rootfs.join("proc")).unwrap();
    let error = fixture.refused();
    assert!(error.contains("must be mounted on ordinary directory"), "{error}");
}

fn mount_inside_proc() {
    for destination in ["/proc/self", "/proc/sys/kernel", "//proc/./1/", "/a/../proc/self"] {
        let fixture = Fixture::new("true").mount(&format!(
            r#"{{"destination":"{destination}","type":"tmpfs","source":"tmpfs"}}"#
        ));
        assert!(fixture.refused().contains("inside /proc"), "{destination}");
    }
    // The same by way of a link of the image.
    let fixture = Fixture::new("true")
        .mount(r#"{"destination":"/innocent/attr","type":"tmpfs","source":"tmpfs"}"#);
    symlink("/proc/self", fixture.rootfs().join("innocent")).unwrap();
    assert!(fixture.refused().contains("leads into /proc"));
    let fixture =
        Fixture::new("true").mount(r#"{"destination":"/proc","type":"tmpfs","source":"tmpfs"}"#);
    assert!(fixture.refused().contains("only a procfs"));
}

fn mount_point_behind_a_link() {
    let fixture = Fixture::new("test -d /data/inner && test -f /data/file")
        .mount(r#"{"destination":"/data/inner","type":"tmpfs","source":"tmpfs"}"#)
        .mount(r#"{"destination":"/data/file","source":"/etc/hostname","options":["bind"]}"#);
    let secret = secret(&fixture);
    symlink(&secret, fixture.rootfs().join("data")).unwrap();
    fixture.run();
    // Mount points were made inside the root, not where the link leads on the host.
    assert_eq!(std::fs::read_dir(&secret).unwrap().count(), 0);
}

fn null_behind_a_link() {
    // With a /dev that the image brings along, its "null" leads to a file worth having.
    let mut fixture =
        Fixture::new("head -c 4 /proc/keys | wc -c; cat /masked; echo pwned > /masked")
            .with(r#"{"linux":{"maskedPaths":["/proc/keys","/masked"]}}"#);
    fixture.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
    let dev = fixture.rootfs().join("dev");
    let _ = std::fs::remove_dir_all(&dev);
    std::fs::create_dir_all(&dev).unwrap();
    symlink("/proc/sys/kernel/core_pattern", dev.join("null")).unwrap();
    std::fs::write(fixture.rootfs().join("masked"), "content").unwrap();
    let before = std::fs::read("/proc/sys/kernel/core_pattern").unwrap();
    let output = fixture.run();
    assert_eq!(output, "0");
    assert_eq!(std::fs::read("/proc/sys/kernel/core_pattern").unwrap(), before);
}

fn console_behind_a_link() {
    let mut fixture = Fixture::new("cat /target").with(r#"{"process":{"terminal":true}}"#);
    fixture.spec.mounts.retain(|mount| mount.destination != "/dev");
    let secret = secret(&fixture);
    let dev = fixture.rootfs().join("dev");
    let _ = std::fs::remove_dir_all(&dev);
    std::fs::create_dir_all(dev.join("pts")).unwrap();
    symlink(secret.join("console"), dev.join("console")).unwrap();
    let options = fixture.options(isopod_runtime::Stdio::Terminal { console_socket: None });
    if let Ok(created) = fixture.runtime.run(&fixture.id, options) {
        crate::fixture::wait(&created.pidfd);
    }
    assert_eq!(std::fs::read_dir(&secret).unwrap().count(), 0);
    // Into /proc a link must not lead either.
    let mut fixture = Fixture::new("true").with(r#"{"process":{"terminal":true}}"#);
    fixture.spec.mounts.retain(|mount| mount.destination != "/dev");
    let dev = fixture.rootfs().join("dev");
    let _ = std::fs::remove_dir_all(&dev);
    std::fs::create_dir_all(dev.join("pts")).unwrap();
    symlink("/proc/sys/kernel/core_pattern", dev.join("console")).unwrap();
    let options = fixture.options(isopod_runtime::Stdio::Terminal { console_socket: None });
    let result = fixture.runtime.run(&fixture.id, options);
    assert!(result.is_err(), "the terminal was mounted over a kernel parameter");
}

fn false_devpts() {
    // A directory with a "ptmx" of the image's choice in the place of devpts.
    let mut fixture = Fixture::new("true").with(r#"{"process":{"terminal":true}}"#);
    fixture.spec.mounts.retain(|mount| !mount.destination.starts_with("/dev"));
    let pts = fixture.rootfs().join("dev/pts");
    std::fs::create_dir_all(&pts).unwrap();
    symlink("/dev/zero", pts.join("ptmx")).unwrap();
    let options = fixture.options(isopod_runtime::Stdio::Terminal { console_socket: None });
    let error = fixture.runtime.run(&fixture.id, options).expect_err("must be refused");
    let text = crate::fixture::chain(&error);
    assert!(text.contains("needs a devpts"), "{text}");
}

fn false_proc() {
    // Without a procfs of its own the container has files of its choice at /proc; kernel
    // parameters must be written to the real ones all the same.
    let mut fixture = Fixture::new(
        "cat /proc/sys/kernel/msgmax; sysctl_of() { cat $1; }; ipcs -l | grep -c 4711",
    )
    .with(r#"{"linux":{"sysctl":{"kernel.msgmax":"4711"},"maskedPaths":[],"readonlyPaths":[]}}"#);
    fixture.spec.mounts.retain(|mount| mount.destination != "/proc");
    let kernel = fixture.rootfs().join("proc/sys/kernel");
    std::fs::create_dir_all(&kernel).unwrap();
    std::fs::write(kernel.join("msgmax"), "false").unwrap();
    let output = fixture.try_run().unwrap().output;
    assert!(output.starts_with("false"), "{output}");
    let left = std::fs::read_to_string(kernel.join("msgmax")).unwrap();
    assert_eq!(left, "false", "the false file was written to");
}

fn the_joining_process_cannot_be_traced() {
    // A watcher in the container tries to open everything of processes that appear.
    let fixture = Fixture::new(
        "while :; do for p in /proc/[0-9]*; do n=${p#/proc/}; \
         case $n in 1|$$) ;; *) x=$(readlink $p/exe 2>/dev/null); \
         case $x in *runtime*) echo $x; cat $p/exe > /dev/null 2>&1 && echo \"$x\" >> /tmp/caught;; esac;; esac; done; done",
    );
    let created = fixture.start();
    for _ in 0..30 {
        fixture.exec_sh("true");
    }
    assert_eq!(fixture.exec_sh("cat /tmp/caught 2>/dev/null").output, "");
    kill(&created);
}

fn passwd_behind_a_link() {
    let fixture = Fixture::new("echo $HOME").with(r#"{"process":{"user":{"uid":4242}}}"#);
    let secret = secret(&fixture);
    std::fs::write(secret.join("passwd"), "x:x:4242:4242::/stolen:\n").unwrap();
    let etc = fixture.rootfs().join("etc");
    std::fs::create_dir_all(&etc).unwrap();
    let _ = std::fs::remove_file(etc.join("passwd"));
    symlink(secret.join("passwd"), etc.join("passwd")).unwrap();
    assert_eq!(fixture.run(), "/");
}

fn device_behind_a_link() {
    let fixture = Fixture::new("true")
        .with(r#"{"linux":{"devices":[{"type":"c","path":"/escape/zero","major":1,"minor":5}]}}"#);
    let secret = secret(&fixture);
    symlink(&secret, fixture.rootfs().join("escape")).unwrap();
    fixture.run();
    assert_eq!(std::fs::read_dir(&secret).unwrap().count(), 0);
}

fn working_directory_behind_a_link() {
    let fixture = Fixture::new("pwd").with(r#"{"process":{"cwd":"/escape/made"}}"#);
    let secret = secret(&fixture);
    symlink(&secret, fixture.rootfs().join("escape")).unwrap();
    let _ = fixture.try_run();
    assert_eq!(std::fs::read_dir(&secret).unwrap().count(), 0);
}
