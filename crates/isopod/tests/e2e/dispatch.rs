//! Which part of the product a command line reaches.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// What `isopod` prints for `--help` under a name and with leading arguments.
fn help(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(super::isopod())
        .arg0(name)
        .args(arguments)
        .arg("--help")
        .output()
        .expect("isopod runs");
    assert!(output.status.success(), "{name} {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("help is text")
}

#[test]
fn the_name_decides_first() {
    let runtime = help("/usr/bin/isopod-runtime", &[]);
    assert!(runtime.starts_with("NAME:"), "{runtime}");
    assert_eq!(runtime, help("isopod", &["runtime"]));
    assert!(help("dockerd", &[]).contains("--data-root"));
    assert_eq!(help("dockerd", &[]), help("isopod", &["engine"]));
}

#[test]
fn everything_else_is_for_people() {
    let overview = help("isopod", &[]);
    for command in ["run", "exec", "images", "logs"] {
        assert!(overview.contains(command), "{command}: {overview}");
    }
}

#[test]
fn the_binary_is_one_static_file() {
    let bytes = std::fs::read(super::isopod()).expect("reads");
    assert_eq!(&bytes[..4], b"\x7fELF");
    // Program headers: 56 bytes each, from the offset at byte 32, as many as byte 56 says.
    let number = |at: usize, len: usize| {
        bytes[at..at + len].iter().rev().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (start, count) = (number(32, 8), number(56, 2));
    let kinds: Vec<usize> = (0..count).map(|index| number(start + index * 56, 4)).collect();
    const INTERPRETER: usize = 3;
    assert!(!kinds.contains(&INTERPRETER), "a dynamic linker is asked for");
}
