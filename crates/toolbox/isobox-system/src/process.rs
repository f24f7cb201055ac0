//! What `/proc` says about processes.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Clock ticks in a second, as `/proc` counts: the kernel's `USER_HZ`, the same on every machine
/// that is supported.
pub(crate) const TICKS: u64 = 100;

/// One process, or thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    /// Device number of the terminal, 0 if there is none.
    pub(crate) terminal: i32,
    /// Who it runs as.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The name that the kernel knows: 15 bytes at most.
    pub(crate) name: Vec<u8>,
    pub(crate) state: u8,
    pub(crate) nice: i64,
    pub(crate) threads: u64,
    /// Ticks spent by itself and in the kernel.
    pub(crate) ticks: u64,
    /// When it started, in ticks since the machine did.
    pub(crate) started: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) resident_pages: u64,
    directory: PathBuf,
}

impl Process {
    /// Reads one; nothing if it is gone.
    fn read(directory: PathBuf) -> Option<Self> {
        let stat = std::fs::read(directory.join("stat")).ok()?;
        let mut process = parse(&stat)?;
        let metadata = std::fs::metadata(&directory).ok()?;
        (process.uid, process.gid) = (metadata.uid(), metadata.gid());
        process.directory = directory;
        Some(process)
    }

    /// The command line; empty for the kernel's own threads and for zombies.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let bytes = std::fs::read(self.directory.join("cmdline")).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        bytes.split(|&byte| byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
    }

    /// The command line with blanks between, or the name in brackets.
    pub(crate) fn command(&self) -> Vec<u8> {
        let words = self.arguments();
        if words.is_empty() {
            return [b"[", &self.name[..], b"]"].concat();
        }
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut line = words.join(&b' ');
        for byte in &mut line {
            // What would move the cursor is no part of a list.
            if byte.is_ascii_control() {
                *byte = b'?';
            }
        }
        line
    }

    /// Its threads.
    pub(crate) fn tasks(&self) -> Vec<Self> {
        read_all(&self.directory.join("task"))
    }
}

/// All processes, by number.
pub(crate) fn all() -> Vec<Process> {
    read_all(Path::new("/proc"))
}

fn read_all(directory: &Path) -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<Process> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_bytes().iter().all(u8::is_ascii_digit))
        .filter_map(|entry| Process::read(entry.path()))
        .collect();
    found.sort_unstable_by_key(|process| process.pid);
    found
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may hold any bytes.
fn parse(stat: &[u8]) -> Option<Process> {
    let open = memchr::memchr(b'(', stat)?;
    let close = memchr::memrchr(b')', stat)?;
    let pid = std::str::from_utf8(&stat[..open]).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(stat.get(close + 2..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let unsigned = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        pid,
        name: stat[open + 1..close].to_vec(),
        state: *fields.first()?.as_bytes().first()?,
        parent: i32::try_from(number(1)?).ok()?,
        group: i32::try_from(number(2)?).ok()?,
        session: i32::try_from(number(3)?).ok()?,
        terminal: i32::try_from(number(4)?).ok()?,
        ticks: unsigned(11)? + unsigned(12)?,
        nice: number(16)?,
        threads: unsigned(17)?,
        started: unsigned(19)?,
        virtual_bytes: unsigned(20)?,
        resident_pages: u64::try_from(number(21)?).unwrap_or(0),
        ..Process::default()
    })
}

/// A terminal's name by its number: `pts/3`, `tty1`, `ttyS0`, or `?`.
pub(crate) fn terminal_name(device: i32) -> String {
    let device = device as u32;
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
    match (major, minor) {
        (0, _) => "?".to_owned(),
        (136..=143, _) => format!("pts/{}", (major - 136) * 256 + minor),
        (4, 0..=63) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (5, 1) => "console".to_owned(),
        (229, _) => format!("hvc{minor}"),
        _ => format!("{major},{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_read() {
        let stat = b"42 (a) b (c) S 1 2 3 34816 5 6 7 8 9 10 11 12 13 14 20 -5 3 0 100 4096 7 0\n";
        let process = parse(stat).unwrap();
        assert_eq!(process.name, b"a) b (c");
        assert_eq!((process.pid, process.state, process.parent), (42, b'S', 1));
        assert_eq!((process.ticks, process.nice, process.threads), (23, -5, 3));
        assert_eq!((process.started, process.virtual_bytes), (100, 4096));
        assert_eq!(terminal_name(process.terminal), "pts/0");
        for bad in [&b""[..], b"42", b"42 (a", b"42 (a) S", b"x (a) S 1 2 3 4"] {
            assert!(parse(bad).is_none());
        }
    }
}
