//! Checkpoints: the whole map in one file, replaced by rename.

use std::fs;
use std::path::{Path, PathBuf};

use isopod_base::files::FileError;

use crate::frame::{put_len, take, take_key, take_len};
use crate::{Error, Map, log};

const MAGIC: &[u8; 8] = b"isopckp1";
const PREFIX: &str = "checkpoint-";

fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation:016x}"))
}

/// Size of the map's checkpoint in bytes.
pub(crate) fn size(map: &Map) -> u64 {
    36 + map.iter().map(|(key, value)| 8 + key.len() as u64 + value.len() as u64).sum::<u64>()
}

/// Puts a generation into force: the log of that generation must be on the disk.
pub(crate) fn write(dir: &Path, generation: u64, sequence: u64, map: &Map) -> Result<(), Error> {
    let mut bytes = Vec::with_capacity(size(map) as usize);
    bytes.extend_from_slice(MAGIC);
    for number in [generation, sequence, map.len() as u64] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for (key, value) in map {
        put_len(&mut bytes, key.len());
        put_len(&mut bytes, value.len());
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(value);
    }
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    let replaced = isopod_base::files::replace(&path(dir, generation), &bytes, 0o600);
    replaced.map_err(|FileError { action, path, source }| match action {
        // From the rename on, either generation may be the one that a reader finds.
        "replace" | "sync directory" => Error::unknown(action, &path)(source),
        _ => Error::io(action, &path)(source),
    })
}

/// Reads the checkpoint of a generation: the map, and the sequence number of the last frame in it.
pub(crate) fn read(dir: &Path, generation: u64) -> Result<(Map, u64), Error> {
    let path = path(dir, generation);
    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
    decode(&bytes, generation).ok_or(Error::Damaged {
        path,
        offset: 0,
        reason: "the checkpoint's checksum or shape is wrong",
    })
}

fn decode(bytes: &[u8], generation: u64) -> Option<(Map, u64)> {
    let (body, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
    if crc32fast::hash(body) != u32::from_le_bytes(crc.try_into().ok()?) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut number = || Some(u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?));
    let (found, sequence, count) = (number()?, number()?, number()?);
    if found != generation {
        return None;
    }
    let mut map = Map::new();
    for _ in 0..count {
        let (key_len, value_len) = (take_len(&mut rest)?, take_len(&mut rest)?);
        let key = take_key(&mut rest, key_len)?;
        map.insert(key, take(&mut rest, value_len)?.into());
    }
    rest.is_empty().then_some((map, sequence))
}

/// The generation in force, if any.
pub(crate) fn newest(dir: &Path) -> Result<Option<u64>, Error> {
    let generations = names(dir)?;
    Ok(generations.iter().filter_map(|name| parse(name.strip_prefix(PREFIX)?)).max())
}

/// Removes files of other generations, and unfinished temporary ones.
pub(crate) fn remove_others(dir: &Path, generation: u64) -> Result<(), Error> {
    let keep = [path(dir, generation), log::path(dir, generation)];
    for name in names(dir)? {
        let ours = name.starts_with(PREFIX) || name.starts_with("log-") || name.starts_with('.');
        let file = dir.join(&name);
        if ours && !keep.contains(&file) {
            fs::remove_file(&file).map_err(Error::io("remove", &file))?;
        }
    }
    Ok(())
}

fn parse(digits: &str) -> Option<u64> {
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
}

fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(dir).map_err(Error::io("read", dir))?;
    let names = entries.map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()));
    names.collect::<Result<_, _>>().map_err(Error::io("read", dir))
}
