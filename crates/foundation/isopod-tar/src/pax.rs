//! Extended headers of the pax format: `length key=value\n`, repeated.

use crate::header::Piece;

/// What the extended headers before an entry say about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) uname: Option<Vec<u8>>,
    pub(super) gname: Option<Vec<u8>>,
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) atime: Option<(i64, u32)>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: SparseKeys,
}

/// The keys of GNU's sparse files.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseKeys {
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Offsets and lengths in turn, from 0.0's pairs or 0.1's map.
    pub(super) map: Vec<u64>,
}

impl SparseKeys {
    /// Whether the entry is sparse at all.
    pub(super) fn any(&self) -> bool {
        self.size.is_some() || self.major.is_some() || !self.map.is_empty()
    }

    /// Whether the map stands at the beginning of the data.
    pub(super) fn map_in_data(&self) -> bool {
        self.major == Some(1) && self.minor.unwrap_or(0) == 0
    }
}

impl Pax {
    /// Reads the records of `bytes` on top of what is known already.
    pub(super) fn read(&mut self, mut bytes: &[u8], pieces: usize) -> Result<(), String> {
        while !bytes.is_empty() && bytes[0] != 0 {
            let (key, value, rest) = split_record(bytes)?;
            bytes = rest;
            self.set(key, value, pieces)?;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8], pieces: usize) -> Result<(), String> {
        let bad = |expected: &str| {
            format!(
                "extended header {:?} has the value {:?}, expected {expected}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(&value[..value.len().min(80)])
            )
        };
        let number = || decimal(value).ok_or_else(|| bad("a decimal number"));
        let id = || {
            decimal(value)
                .and_then(|n| u32::try_from(n).ok())
                .ok_or_else(|| bad("a number below 2^32"))
        };
        // An empty value takes back what a header before it said.
        let empty = value.is_empty();
        match key {
            b"path" => self.path = (!empty).then(|| value.to_vec()),
            b"uname" => self.uname = (!empty).then(|| value.to_vec()),
            b"gname" => self.gname = (!empty).then(|| value.to_vec()),
            b"linkpath" => self.link = (!empty).then(|| value.to_vec()),
            b"size" => self.size = if empty { None } else { Some(number()?) },
            b"uid" => self.uid = if empty { None } else { Some(id()?) },
            b"gid" => self.gid = if empty { None } else { Some(id()?) },
            b"mtime" | b"atime" => {
                let time = match empty {
                    true => None,
                    false => Some(time(value).ok_or_else(|| bad("seconds with a fraction"))?),
                };
                if key == b"mtime" {
                    self.mtime = time;
                } else {
                    self.atime = time;
                }
            }
            b"GNU.sparse.major" => self.sparse.major = Some(number()?),
            b"GNU.sparse.minor" => self.sparse.minor = Some(number()?),
            b"GNU.sparse.name" => self.sparse.name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse.size = Some(number()?),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                let in_turn = self.sparse.map.len() % 2 == usize::from(key.ends_with(b"bytes"));
                if !in_turn || self.sparse.map.len() / 2 >= pieces {
                    return Err(bad("offsets and lengths in turn, within the limit"));
                }
                self.sparse.map.push(number()?);
            }
            b"GNU.sparse.map" => {
                let numbers = value.split(|&byte| byte == b',');
                if numbers.clone().count() / 2 > pieces {
                    return Err(bad("fewer pieces"));
                }
                self.sparse.map = numbers
                    .map(decimal)
                    .collect::<Option<_>>()
                    .ok_or_else(|| bad("numbers between commas"))?;
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.retain(|(known, _)| known != name);
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// Pairs of offset and length as pieces, checked: ascending, apart, within `size`.
pub(super) fn pieces(map: &[u64], size: u64) -> Result<Vec<Piece>, String> {
    if !map.len().is_multiple_of(2) {
        return Err("the map of the sparse file has an offset without a length".to_owned());
    }
    let mut end = 0;
    let mut pieces = Vec::with_capacity(map.len() / 2);
    for pair in map.chunks_exact(2) {
        let (offset, length) = (pair[0], pair[1]);
        let after = offset.checked_add(length);
        match after {
            Some(after) if offset >= end && after <= size => end = after,
            _ => {
                return Err(format!(
                    "the sparse file of {size} bytes has a piece at {offset} of {length} bytes: pieces must ascend and lie within"
                ));
            }
        }
        if length > 0 {
            pieces.push(Piece { offset, length });
        }
    }
    Ok(pieces)
}

type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Splits the first record off: key, value, rest.
fn split_record(bytes: &[u8]) -> Result<Record<'_>, String> {
    let bad = || {
        format!(
            "extended header {:?} is not of the form `length key=value`",
            String::from_utf8_lossy(&bytes[..bytes.len().min(40)])
        )
    };
    let space = memchr::memchr(b' ', &bytes[..bytes.len().min(20)]).ok_or_else(bad)?;
    let length = decimal(&bytes[..space]).ok_or_else(bad)?;
    let length = usize::try_from(length).map_err(|_| bad())?;
    if length <= space + 1 || length > bytes.len() || bytes[length - 1] != b'\n' {
        return Err(bad());
    }
    let record = &bytes[space + 1..length - 1];
    let equals = memchr::memchr(b'=', record).ok_or_else(bad)?;
    Ok((&record[..equals], &record[equals + 1..], &bytes[length..]))
}

/// An unsigned decimal number.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0u64, |value, &digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// Seconds with a sign and a fraction; digits past the ninth are dropped.
fn time(text: &[u8]) -> Option<(i64, u32)> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let whole = parts.next().filter(|whole| !whole.is_empty())?;
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    let mut nanos = 0u32;
    let fraction = parts.next().unwrap_or(b"");
    for index in 0..9 {
        let digit = match fraction.get(index) {
            Some(digit) if digit.is_ascii_digit() => u32::from(digit - b'0'),
            Some(_) => return None,
            None => 0,
        };
        nanos = nanos * 10 + digit;
    }
    Some(match (negative, nanos) {
        (false, _) => (seconds, nanos),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanos),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(time(b"-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time(b"7"), Some((7, 0)));
        assert_eq!(time(b"1.0000000009"), Some((1, 0)));
        for bad in [&b""[..], b".5", b"1.x", b"x", b"99999999999999999999"] {
            assert_eq!(time(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn records() {
        let mut pax = Pax::default();
        pax.read(b"11 path=ab\n30 SCHILY.xattr.user.a=x\0=\ny\n12 uid=1000\n", 4)
            .expect_err("the length is wrong");
        let mut pax = Pax::default();
        pax.read(b"11 path=ab\n28 SCHILY.xattr.user.a=x\0=y\n12 uid=1000\n", 4).expect("valid");
        assert_eq!(pax.path.as_deref(), Some(&b"ab"[..]));
        assert_eq!(pax.uid, Some(1000));
        assert_eq!(pax.xattrs, [(b"user.a".to_vec(), b"x\0=y".to_vec())]);
        for bad in [
            &b"5 a=b"[..],
            b"99 a=b\n",
            b"0 a=b\n",
            b"x",
            b"6 abc\n",
            b"99999999999999999999999 a\n",
        ] {
            assert!(Pax::default().read(bad, 4).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn overlapping_pieces_are_refused() {
        assert!(pieces(&[0, 5, 4, 1], 10).is_err());
        assert!(pieces(&[0, 11], 10).is_err());
        assert!(pieces(&[0, u64::MAX, 1, 1], 10).is_err());
        assert_eq!(pieces(&[0, 5, 10, 0], 10).expect("valid").len(), 1);
    }
}
