//! Bytes of messages, names of units and properties; and a whole start against a peer that
//! speaks for systemd at the other end of a socket pair.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use isopod_oci::runtime::{LinuxCpu, LinuxDeviceCgroup, LinuxMemory, LinuxPids};

use super::dbus::{Message, call_message};
use super::*;
use crate::devices::Kind;
use crate::hierarchy::Mode;

#[test]
fn units() {
    for (path, name, group) in [
        ("", "isopod-c1.scope", "/system.slice/isopod-c1.scope"),
        ("system.slice:docker:abc", "docker-abc.scope", "/system.slice/docker-abc.scope"),
        (
            "kubepods-besteffort-pod1.slice:cri:abc",
            "cri-abc.scope",
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-abc.scope",
        ),
        ("-.slice::abc", "abc.scope", "/abc.scope"),
        (":p:abc", "p-abc.scope", "/system.slice/p-abc.scope"),
        ("a.slice:ignored:a-b.slice", "a-b.slice", "/a.slice/a-b.slice"),
    ] {
        let unit = Unit::parse(path, "c1", false).expect(path);
        assert_eq!(unit.name(), name, "{path}");
        assert_eq!(unit.group_path(false).expect(path), Path::new(group), "{path}");
    }
    for path in [
        "/a/b",
        "a:b",
        "a.slice:b:c:d",
        "a.slice:b:",
        "a:b:c",
        "a--b.slice:b:c",
        ".slice:b:c",
        "a.slice:b:../c",
    ] {
        Unit::parse(path, "c1", false).expect_err(path);
    }
}

#[test]
fn versions() {
    for (text, number) in
        [("252.39-1~deb12u1", 252), ("v245", 245), ("\"v245-1.fc32\"", 245), ("", 0), ("x", 0)]
    {
        assert_eq!(parse_version(text), number, "{text}");
    }
}

#[test]
fn bytes_of_a_call() {
    let bytes = call_message(
        7,
        ("d.d", "/o"),
        ("i.i", "Call"),
        &[
            Value::Str("ab".into()),
            Value::Bool(true),
            Value::Properties(vec![
                ("P".into(), Value::U64(5)),
                ("Q".into(), Value::U32s(vec![9])),
            ]),
            Value::Pairs(vec![("x".into(), "y".into())]),
            Value::NoAuxiliaryUnits,
        ],
    );
    // The same message was read back by an independent implementation of D-Bus.
    let expected = concat!(
        "6c01000158000000070000005b000000", // little-endian, call, 88 bytes, serial 7
        "01016f00020000002f6f000000000000", // path
        "0201730003000000692e690000000000", // interface
        "030173000400000043616c6c00000000", // member
        "0601730003000000642e640000000000", // destination
        "08016700157362612873762961287373", // signature sba(sv)a(ss)a(sa(sv))
        "29612873612873762929000000000000",
        "0200000061620000010000002c000000", // "ab", true, 44 bytes of properties:
        "01000000500001740000000000000000", // "P", uint64 5
        "05000000000000000100000051000261", // "Q", array of uint32, 9
        "75000000040000000900000",
        "00e000000010000007800000001000000", // 14 bytes of pairs: "x", "y"
        "790000000000000000000000",          // no auxiliary units, aligned
    );
    let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, expected);
}

/// What systemd would send: a message with the given header fields and body.
fn message(kind: u8, fields: &[(u8, &str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    for (code, signature, value) in fields {
        while (header.len() + 16) % 8 != 0 {
            header.push(0);
        }
        header.push(*code);
        header.push(u8::try_from(signature.len()).expect("short"));
        header.extend(signature.as_bytes());
        header.push(0);
        while matches!(*signature, "s" | "o" | "u") && (header.len() + 16) % 4 != 0 {
            header.push(0);
        }
        header.extend(*value);
    }
    let mut bytes = vec![b'l', kind, 0, 1];
    bytes.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
    bytes.extend(99_u32.to_le_bytes());
    bytes.extend(u32::try_from(header.len()).expect("short").to_le_bytes());
    bytes.extend(header);
    while bytes.len() % 8 != 0 {
        bytes.push(0);
    }
    bytes.extend(body);
    bytes
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = u32::try_from(text.len()).expect("short").to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes.push(0);
    bytes
}

#[test]
fn answers_are_read_and_nonsense_is_refused() {
    let answer =
        message(2, &[(5, "u", &7_u32.to_le_bytes()), (8, "g", b"\x01o\0")], &string("/job/1"));
    let fixed: [u8; 16] = answer[..16].try_into().expect("16 bytes");
    assert_eq!(Message::announced(&fixed).expect("valid"), answer.len());
    let parsed = Message::parse(&answer).expect("valid");
    assert_eq!(parsed.object_path().expect("o"), "/job/1");
    assert!(parsed.job_removed().is_err());
    for cut in 16..answer.len() {
        // Never a panic, whatever is missing.
        let _cut_short = Message::parse(&answer[..cut]).and_then(|message| message.object_path());
    }
    let mut long = fixed;
    long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Message::announced(&long).is_err());
    long[0] = b'B';
    assert!(Message::announced(&long).is_err());
}

#[test]
fn a_unit_is_started_and_its_job_awaited() {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    let peer = std::thread::spawn(move || {
        let mut hello = [0; 64];
        let read = theirs.read(&mut hello).expect("authentication");
        assert!(hello[..read].starts_with(b"\0AUTH EXTERNAL "));
        assert!(hello[..read].ends_with(b"\r\nBEGIN\r\n"));
        theirs.write_all(b"OK 1234\r\n").expect("answer");
        let mut fixed = [0; 16];
        theirs.read_exact(&mut fixed).expect("call");
        let mut rest = vec![0; Message::announced(&fixed).expect("length") - 16];
        theirs.read_exact(&mut rest).expect("call");
        let mut other = 1_u32.to_le_bytes().to_vec();
        other.extend(string("/job/2"));
        while !other.len().is_multiple_of(4) {
            other.push(0);
        }
        other.extend(string("u"));
        while !other.len().is_multiple_of(4) {
            other.push(0);
        }
        let mut done = other.clone();
        other.extend(string("failed"));
        done[4 + 4 + 5] = b'1';
        done.extend(string("done"));
        let signal = |body: &[u8]| {
            message(4, &[(3, "s", &string("JobRemoved")), (8, "g", b"\x04uoss\0")], body)
        };
        // The signal of our job may come before the answer to the call.
        theirs.write_all(&signal(&done)).expect("signal");
        let answer =
            message(2, &[(5, "u", &1_u32.to_le_bytes()), (8, "g", b"\x01o\0")], &string("/job/1"));
        theirs.write_all(&answer).expect("answer");
        theirs.write_all(&signal(&other)).expect("signal");
    });
    let mut connection = Connection::begin(ours, false).expect("authenticated");
    let job = connection.call(MANAGER, "StartTransientUnit", &[]).expect("answered");
    let unit = Unit::parse("", "c1", false).expect("valid");
    assert_eq!(
        wait(&mut connection, &unit, &job.object_path().expect("o")).expect("in time"),
        "done"
    );
    peer.join().expect("the peer is content");
}

#[test]
fn a_refusal_carries_its_text() {
    let (ours, mut theirs) = UnixStream::pair().expect("a socket pair");
    theirs.write_all(b"OK 1\r\n").expect("written");
    let refusal = message(
        3,
        &[
            (4, "s", &string("org.freedesktop.systemd1.UnitExists")),
            (5, "u", &1_u32.to_le_bytes()),
            (8, "g", b"\x01s\0"),
        ],
        &string("Unit c1.scope was already loaded"),
    );
    theirs.write_all(&refusal).expect("written");
    let mut connection = Connection::begin(ours, false).expect("authenticated");
    let error =
        connection.call(MANAGER, "StartTransientUnit", &[]).expect_err("refused").to_string();
    assert_eq!(
        error,
        "systemd: StartTransientUnit: Unit c1.scope was already loaded (org.freedesktop.systemd1.UnitExists)"
    );
}

fn names(resources: &LinuxResources, mode: Mode, version: u32) -> Vec<(String, Value)> {
    properties::for_resources(resources, mode, version).expect("valid")
}

#[test]
fn limits_as_properties() {
    let resources = LinuxResources {
        memory: Some(LinuxMemory { limit: Some(1000), swap: Some(3000), ..LinuxMemory::default() }),
        cpu: Some(LinuxCpu {
            shares: Some(1024),
            quota: Some(12_345),
            period: Some(100_000),
            cpus: Some("0-1,9".into()),
            ..LinuxCpu::default()
        }),
        pids: Some(LinuxPids { limit: Some(-1) }),
        ..LinuxResources::default()
    };
    let expect = |list: &[(&str, Value)]| -> Vec<(String, Value)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    assert_eq!(
        names(&resources, Mode::V2, 252),
        expect(&[
            ("MemoryMax", Value::U64(1000)),
            ("MemorySwapMax", Value::U64(2000)),
            ("CPUWeight", Value::U64(100)),
            ("CPUQuotaPeriodUSec", Value::U64(100_000)),
            ("CPUQuotaPerSecUSec", Value::U64(130_000)),
            ("AllowedCPUs", Value::Bytes(vec![3, 2])),
            ("TasksMax", Value::U64(u64::MAX)),
        ])
    );
    assert_eq!(
        names(&resources, Mode::V1, 239),
        expect(&[
            ("MemoryLimit", Value::U64(1000)),
            ("CPUShares", Value::U64(1024)),
            ("CPUQuotaPerSecUSec", Value::U64(130_000)),
            ("TasksMax", Value::U64(u64::MAX)),
        ])
    );
}

#[test]
fn unified_as_properties() {
    let mut resources = LinuxResources::default();
    for (file, value) in [
        ("memory.high", "max"),
        ("cpu.max", "50000 100000"),
        ("cpu.idle", "1"),
        ("cpu.weight", "7"),
        ("misc.max", "x"),
    ] {
        resources.unified.insert(file.into(), value.into());
    }
    let found: Vec<String> =
        names(&resources, Mode::V2, 255).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["CPUWeight", "CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec", "MemoryHigh"]);
    resources.unified.insert("pids.max".into(), "many".into());
    properties::for_resources(&resources, Mode::V2, 255).expect_err("not a number");
}

#[test]
fn devices_as_properties() {
    let rule = |allow, kind: &str, major, minor| LinuxDeviceCgroup {
        allow,
        kind: Some(kind.into()),
        major,
        minor,
        access: Some("rw".into()),
    };
    let found = device_properties::generate(&[
        rule(false, "a", None, None),
        rule(true, "c", Some(1), Some(3)),
        rule(true, "b", None, None),
    ])
    .expect("valid");
    assert_eq!(found[0].1, Value::Str("strict".into()));
    assert_eq!(
        found[2].1,
        Value::Pairs(vec![("block-*".into(), "rw".into()), ("/dev/char/1:3".into(), "rw".into())])
    );
    assert_eq!(
        device_properties::generate(&[rule(true, "a", None, None)]).expect("valid")[0].1,
        Value::Str("auto".into())
    );
    let list = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n";
    assert_eq!(device_properties::driver(list, Kind::Char, 136).as_deref(), Some("pts"));
    assert_eq!(device_properties::driver(list, Kind::Block, 8).as_deref(), Some("sd"));
    assert_eq!(device_properties::driver(list, Kind::Char, 8), None);
}

#[test]
fn annotations() {
    let parse = |name: &str, value: &str| annotated(&[(name.to_owned(), value.to_owned())]);
    for (name, text, expected, value) in [
        ("TimeoutStopUSec", "uint64 123", "TimeoutStopUSec", Value::U64(123)),
        ("TimeoutStopSec", "uint64 2", "TimeoutStopUSec", Value::U64(2_000_000)),
        (
            "CollectMode",
            "'inactive-or-failed'",
            "CollectMode",
            Value::Str("inactive-or-failed".into()),
        ),
        (
            "After",
            "['a.service', 'b.service']",
            "After",
            Value::Strings(vec!["a.service".into(), "b.service".into()]),
        ),
        ("SendSIGHUP", "true", "SendSIGHUP", Value::Bool(true)),
        ("IPCount", "3", "IPCount", Value::I32(3)),
    ] {
        assert_eq!(parse(name, text).expect(name), [(expected.to_owned(), value)], "{name}");
    }
    for (name, text) in
        [("lower", "true"), ("Bad-Name", "true"), ("After", "nonsense"), ("XSec", "'a'")]
    {
        parse(name, text).expect_err(name);
    }
}
