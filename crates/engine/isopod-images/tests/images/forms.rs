//! The forms of tar: long names, numbers, sparse files, attributes, odd ends.

use std::process::{Command, Stdio};

use isopod_images::tar::{BLOCK, Entry, Kind, Reader};
use isopod_images::{LayerError, Limits};

use crate::support::{file, tar};

fn read(bytes: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, LayerError> {
    read_within(bytes, &Limits::default())
}

fn read_within(bytes: &[u8], limits: &Limits) -> Result<Vec<(Entry, Vec<u8>)>, LayerError> {
    let mut reader = Reader::new(bytes, &limits.archive());
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut data = Vec::new();
        loop {
            let chunk = reader.data()?;
            if chunk.is_empty() {
                break;
            }
            data.extend_from_slice(chunk);
        }
        found.push((entry, data));
    }
    reader.drain()?;
    Ok(found)
}

/// A raw header with a right checksum.
fn header(name: &str, flag: u8, size: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = flag;
    change(&mut block);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block[154] = 0;
    block
}

fn padded(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(text.len().div_ceil(BLOCK) * BLOCK, 0);
    bytes
}

#[test]
fn gnu_tar_writes_what_we_read() {
    let dir = tempfile::tempdir().unwrap();
    let long = "n".repeat(120);
    let deep = format!("{}/{long}", "d".repeat(150));
    std::fs::create_dir(dir.path().join("d".repeat(150))).unwrap();
    std::fs::write(dir.path().join(&deep), "deep").unwrap();
    std::fs::write(dir.path().join("plain"), "plain").unwrap();
    let sparse = std::fs::File::create(dir.path().join("sparse")).unwrap();
    for index in 0..40u64 {
        std::os::unix::fs::FileExt::write_all_at(&sparse, b"data", index * 100_000).unwrap();
    }
    sparse.set_len(5_000_000).unwrap();
    let expected = std::fs::read(dir.path().join("sparse")).unwrap();
    for options in [
        &["--format=gnu", "--sparse"][..],
        &["--format=posix", "--sparse", "--sparse-version=0.0"],
        &["--format=posix", "--sparse", "--sparse-version=0.1"],
        &["--format=posix", "--sparse", "--sparse-version=1.0"],
        &["--format=gnu"],
        &["--format=posix"],
    ] {
        let output = Command::new("tar")
            .arg("-C")
            .arg(dir.path())
            .args(options)
            .args(["-cf", "-", "."])
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let entries = read(&output.stdout).unwrap();
        let find = |name: &str| {
            entries
                .iter()
                .find(|(entry, _)| entry.path == format!("./{name}").as_bytes())
                .unwrap_or_else(|| panic!("{options:?}: {name}"))
        };
        assert_eq!(find(&deep).1, b"deep");
        let (entry, data) = find("sparse");
        assert_eq!(entry.size, 5_000_000, "{options:?}");
        let mut whole = vec![0; 5_000_000];
        let mut at = 0;
        match &entry.sparse {
            None => whole.copy_from_slice(data),
            Some(pieces) => {
                assert!(pieces.len() >= 30, "{options:?}: {}", pieces.len());
                for piece in pieces {
                    let (offset, length) = (piece.offset as usize, piece.length as usize);
                    whole[offset..offset + length].copy_from_slice(&data[at..at + length]);
                    at += length;
                }
            }
        }
        assert!(whole == expected, "{options:?}");
    }
}

#[test]
fn old_and_odd_headers_are_read() {
    // V7: a directory is a name with a slash, a file has no flag.
    let v7 =
        [header("old/", 0, b"0", |_| {}), header("old/f", 0, b"1", |_| {}), padded(b"x")].concat();
    let entries = read(&v7).unwrap();
    assert_eq!(entries[0].0.kind, Kind::Directory);
    assert_eq!(entries[1].1, b"x");
    // A size in base 256, a modification time before 1970, an end without zero blocks.
    let base = header("big", b'0', &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], |block| {
        block[136..148].fill(0xff);
    });
    let entries = read(&[base, padded(b"y")].concat()).unwrap();
    assert_eq!((entries[0].0.mtime.0, &entries[0].1[..]), (-1, &b"y"[..]));
    // A link that states a size has no data.
    let link = header("l", b'1', b"7", |block| block[157..160].copy_from_slice(b"old"));
    let entries = read(&[link, header("f", b'0', b"0", |_| {})].concat()).unwrap();
    assert_eq!((entries.len(), entries[0].0.size), (2, 0));
    // Padding of the last file may be missing.
    let short = [header("f", b'0', b"1", |_| {}), b"x".to_vec()].concat();
    assert_eq!(read(&short).unwrap()[0].1, b"x");
    // A header for all entries is passed over, as docker does.
    let global = [
        header("g", b'g', b"14", |_| {}),
        padded(b"12 uid=1234\n"),
        header("f", b'0', b"0", |_| {}),
    ];
    assert_eq!(read(&global.concat()).unwrap()[0].0.uid, 0);
}

#[test]
fn bad_archives_are_told_where() {
    let good = tar(&[file("f", &"x".repeat(1000))]);
    let mut checksum = good.clone();
    checksum[0] ^= 1;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("checksum", checksum, "at byte 0"),
        ("cut in a header", good[..100].to_vec(), "a header"),
        ("cut in data", good[..800].to_vec(), "the data of an entry"),
        ("negative size", header("f", b'0', &[0xff; 12], |_| {}), "negative size"),
        ("letters for a size", header("f", b'0', b"12z", |_| {}), "size field"),
        ("an extension alone", [header("x", b'x', b"0", |_| {})].concat(), "without its entry"),
        ("a long name without end", header("L", b'L', b"77777777777", |_| {}), "limit"),
        (
            "a bad record",
            [header("x", b'x', b"5", |_| {}), padded(b"9 a=b")].concat(),
            "length key=value",
        ),
        (
            "a sparse map that overlaps",
            [
                header("x", b'x', b"60", |_| {}),
                padded(b"22 GNU.sparse.size=10\n26 GNU.sparse.map=0,5,3,5\n"),
                header("f", b'0', b"12", |_| {}),
                padded(b"0123456789"),
            ]
            .concat(),
            "pieces must ascend",
        ),
    ];
    for (name, bytes, expected) in cases {
        let error = read(&bytes).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}

#[test]
fn a_chain_of_extensions_ends() {
    let one = [header("x", b'x', b"0", |_| {})].concat();
    let error = read(&one.repeat(10_000)).unwrap_err();
    assert!(matches!(error, LayerError::Limit { .. }), "{error}");
}

#[test]
fn too_many_entries_are_too_many() {
    let limits = Limits { layer_entries: 3, ..Limits::default() };
    let archive = tar(&[file("a", ""), file("b", ""), file("c", ""), file("d", "")]);
    assert!(matches!(read_within(&archive, &limits), Err(LayerError::Limit { .. })));
}

proptest::proptest! {
    /// No bytes, and no damage to good ones, make the readers panic.
    #[test]
    fn damaged_archives_never_panic(at in 0usize..3000, value in 0u8.., more: Vec<u8>) {
        let mut bytes = tar(&[file("a/b", &"x".repeat(700)), file(&"n".repeat(200), "y")]);
        let at = at % bytes.len();
        bytes[at] = value;
        isopod_images::fuzzing::layer(&bytes);
        isopod_images::fuzzing::layer(&more);
        isopod_images::fuzzing::documents(&more);
    }
}
