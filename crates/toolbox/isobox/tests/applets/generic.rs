//! What every applet does alike: a full disk, a closed standard output, empty input, `--help`.

use crate::runner::{Outcome, Tools, finish};

/// Invocations that make applets write: each must fail when nothing can be written.
const WRITERS: &[&str] = &[
    "cat /etc/passwd",
    "basename a/b",
    "tac /etc/passwd",
    "head /etc/passwd",
    "tail /etc/passwd",
    "cut -c 1 /etc/passwd",
    "paste /etc/passwd",
    "join /etc/hostname /etc/hostname",
    "comm /etc/hostname /etc/hostname",
    "sort /etc/passwd",
    "uniq /etc/passwd",
    "tr a b </etc/passwd",
    "wc /etc/passwd",
    "nl /etc/passwd",
    "fold /etc/passwd",
    "fmt /etc/passwd",
    "expand /etc/passwd",
    "unexpand /etc/passwd",
    "rev /etc/passwd",
    "od /etc/passwd",
    "hexdump /etc/passwd",
    "xxd /etc/passwd",
    "strings /etc/passwd",
    "shuf /etc/passwd",
    "seq 3",
    "factor 12",
    "expr 1 + 1",
    "echo a a | tsort",
    "column /etc/passwd",
    "more /etc/passwd",
    "base64 /etc/passwd",
    "base32 /etc/passwd",
    "basenc --base16 /etc/passwd",
    "md5sum /etc/passwd",
    "sha1sum /etc/passwd",
    "sha224sum /etc/passwd",
    "sha256sum /etc/passwd",
    "sha384sum /etc/passwd",
    "sha512sum /etc/passwd",
    "sha3sum /etc/passwd",
    "cksum /etc/passwd",
    "crc32 /etc/passwd",
    "sum /etc/passwd",
    "uuencode /etc/passwd x",
    "dos2unix </etc/passwd",
    "unix2dos </etc/passwd",
    "iconv /etc/passwd",
    "dirname a/b",
    "readlink /proc/self/exe",
    "realpath /",
    "ls /",
    "stat /",
    "du /etc/passwd",
    "df /",
    "find /etc/passwd",
    "which sh",
    "tree .",
    "tee </etc/passwd",
    "yes",
    "env",
    "printenv PATH",
    "nice",
    "date",
    "cal",
    "mktemp -u",
    "isobox --list",
    "awk 1 /etc/passwd",
    "diff /etc/passwd /etc/hostname",
    "sed p /etc/passwd",
    "grep -v xyz /etc/passwd",
    "gzip -c /etc/passwd",
    "bzip2 -c /etc/passwd",
    "xz -c /etc/passwd",
    "lzma -c /etc/passwd",
    "zstd -c /etc/passwd",
    "gzip -c /etc/passwd | gunzip",
    "bzip2 -c /etc/passwd | bzcat",
    "xz -c /etc/passwd | unxz",
    "zstd -c /etc/passwd | zstdcat",
    "tar c /etc/passwd",
    "tar c /etc/passwd | tar t",
    "tar c /etc/passwd | tar xO",
    "echo /etc/passwd | cpio -o",
    "echo /etc/passwd | cpio -o | cpio -t",
];

/// Filters that take nothing and succeed.
const FILTERS: &[&str] = &[
    "cat",
    "tac",
    "head",
    "tail",
    "cut -c 1",
    "paste",
    "sort",
    "uniq",
    "tr a b",
    "nl",
    "fold",
    "fmt",
    "expand",
    "unexpand",
    "rev",
    "strings",
    "tsort",
    "column",
    "base64",
    "base32",
    "base64 -d",
    "xxd",
    "hexdump -C",
    "dos2unix",
    "unix2dos",
    "iconv",
    "more",
    "tee",
    "shuf",
    "awk 1",
    "sed p",
];

/// Filters that say so when their input cannot be read.
const READERS: &[&str] = &[
    "cat",
    "tac",
    "head",
    "cut -c 1",
    "paste",
    "sort",
    "uniq",
    "tr a b",
    "wc",
    "nl",
    "fold",
    "fmt",
    "expand",
    "unexpand",
    "rev",
    "strings",
    "od",
    "xxd",
    "md5sum",
    "sha256sum",
    "cksum",
    "base64",
    "tee",
    "iconv",
    "gzip",
    "gunzip",
    "bzip2",
    "xz",
    "zstd",
    "tar t",
    "cpio -t",
];

pub(crate) fn run_all(tools: &Tools) -> Vec<(String, Outcome)> {
    let mut report = Vec::new();
    let mut check = |name: String, script: String, right: &dyn Fn(&str, &str, i32) -> bool| {
        let directory = tempfile::TempDir::new().expect("a temporary directory");
        let (output, errors, status) = finish(tools.shell(&script, directory.path()));
        report.push((
            format!("generic {name}"),
            if right(&output, &errors, status) {
                Outcome::Passed
            } else {
                Outcome::Failed(format!("  {script}\n  status {status}\n  {output}  {errors}"))
            },
        ));
    };
    for command in WRITERS {
        check(
            format!("full disk: {command}"),
            format!("{{ {command}; }} >/dev/full"),
            &|_, errors, status| {
                status != 0 && status < 126 && errors.contains("No space left on device")
            },
        );
        check(
            format!("closed standard output: {command}"),
            format!("{{ {command}; }} >&-"),
            &|_, errors, status| {
                status != 0 && status < 126 && errors.contains("Bad file descriptor")
            },
        );
    }
    for command in FILTERS {
        check(
            format!("empty input: {command}"),
            format!("{command} </dev/null"),
            &|output, errors, status| output.is_empty() && errors.is_empty() && status == 0,
        );
    }
    for command in READERS {
        check(
            format!("a directory as input: {command}"),
            format!("{command} <."),
            &|_, errors, status| status != 0 && status < 126 && errors.contains("Is a directory"),
        );
    }
    for command in ["cat", "ls", "wc", "md5sum", "stat -c %n", "du", "head", "find"] {
        check(
            format!("a name that is not UTF-8: {command}"),
            format!(
                "n=$(printf 'x\\377y'); echo a >\"$n\"; {command} \"$n\" >out; {command} \"$n.missing\" 2>err; grep -c \"$n\" err"
            ),
            &|output, _, status| output == "1\n" && status == 0,
        );
    }
    for (command, expected) in [
        ("wc -c <f", "4294967301\n"),
        ("tail -c 3 f", "end"),
        ("stat -c %s f", "4294967301\n"),
        ("cmp f f", ""),
        ("cp f g; stat -c %s g; tail -c 3 g", "4294967301\nend"),
        ("dd if=f bs=1M skip=4096 2>/dev/null | tail -c 3", "end"),
        ("tail -c +4294967299 f", "end"),
        ("find f -size +4G", "f\n"),
        ("tar cS f | tar xO | tail -c 3", "end"),
        ("tar cS f | tar tv | grep -c 4294967301", "1\n"),
    ] {
        check(
            format!("a file of more than 4 GiB: {command}"),
            format!("truncate -s 4294967298 f; printf end >>f; {command}"),
            &|output, _, status| output == expected && status == 0,
        );
    }
    // The cases run under the system's shell, which is no link to isobox.
    for applet in tools.applets.iter().filter(|name| *name != "sh") {
        check(
            format!("--help of {applet}"),
            format!("{applet} --help 2>&1"),
            &|output, _, status| {
                [
                    "false", "echo", "true", "test", "[", "[[", "isobox", "busybox", "yes",
                    "printf", "expr", "kill",
                ]
                .contains(&applet.as_str())
                    || status == 0 && output.contains(&format!("\nUsage: {applet} "))
            },
        );
    }
    report
}
