//! The kernel's formats, as text.

use super::v1::{numa_line, parse_blkio, parse_list};
use super::v2::{parse_io, parse_pressure};
use super::*;

fn entry(major: u64, minor: u64, op: &str, value: u64) -> BlkioEntry {
    BlkioEntry { major, minor, op: op.to_owned(), value }
}

#[test]
fn lists() {
    for (text, expected) in [
        ("0-2,7", Some(vec![0, 1, 2, 7])),
        ("", Some(vec![])),
        ("5", Some(vec![5])),
        ("3-1", None),
        ("a", None),
        ("0-70000", None),
    ] {
        assert_eq!(parse_list(text), expected, "{text}");
    }
}

#[test]
fn blkio() {
    assert_eq!(
        parse_blkio("8:0 Read 10\n8:0 Total 10\n8:16 7\nTotal 10\n"),
        Ok(vec![entry(8, 0, "Read", 10), entry(8, 0, "Total", 10), entry(8, 16, "", 7)])
    );
    assert_eq!(parse_blkio("8:0 Read ten\n"), Err("8:0 Read ten"));
}

#[test]
fn io() {
    let stats = parse_io("8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n254:1 \n");
    assert_eq!(stats.service_bytes, [entry(8, 0, "Read", 1), entry(8, 0, "Write", 2)]);
    assert_eq!(stats.serviced, [entry(8, 0, "Read", 3), entry(8, 0, "Write", 4)]);
}

#[test]
fn numa() {
    let (kind, pages) = numa_line("total=12 N0=10 N1=2").expect("valid");
    assert_eq!((&*kind, pages.total, pages.nodes[&0], pages.nodes[&1]), ("total", 12, 10, 2));
    assert_eq!(numa_line("numa_locality 0 0 0"), None);
}

#[test]
fn pressure() {
    let found = parse_pressure(
        "some avg10=1.50 avg60=0.25 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
    )
    .expect("valid");
    assert_eq!((found.some.avg10, found.some.avg60, found.some.total), (1.5, 0.25, 42));
    assert_eq!(found.full.total, 7);
    assert_eq!(parse_pressure(""), None);
}

#[test]
fn sizes_of_huge_pages() {
    for (name, size) in [
        ("hugepages-2048kB", Some("2MB")),
        ("hugepages-1048576kB", Some("1GB")),
        ("hugepages-64kB", Some("64KB")),
        ("other", None),
    ] {
        assert_eq!(huge_page_size(name).as_deref(), size, "{name}");
    }
}
