//! What is printed about a member: its name, or a line as `ls -l` has it.

use isobox_applet::mode;
use isobox_applet::time::Civil;
use isopod_tar::{Entry, Kind};

/// `-rw-r--r-- root/root      5 2024-02-29 12:34:56 NAME`
pub(crate) fn line(entry: &Entry, numeric_owner: bool) -> Vec<u8> {
    let kind = match entry.kind {
        Kind::Symlink => 0o120_000,
        Kind::Directory => 0o040_000,
        Kind::Char => 0o020_000,
        Kind::Block => 0o060_000,
        Kind::Fifo => 0o010_000,
        Kind::File | Kind::HardLink | Kind::Other(_) => 0o100_000,
    };
    let owner = |name: &[u8], id: u32| {
        if name.is_empty() || numeric_owner {
            id.to_string()
        } else {
            String::from_utf8_lossy(name).into_owned()
        }
    };
    let size = match entry.kind {
        Kind::Char | Kind::Block => format!("{},{}", entry.device.0, entry.device.1),
        _ => entry.size.to_string(),
    };
    let time = Civil::local(entry.mtime.0, 0);
    let mut line = format!(
        "{} {}/{} {size:>9} {:04}-{:02}-{:02} {:02}:{:02}:{:02} ",
        mode::text(kind | entry.mode),
        owner(&entry.uname, entry.uid),
        owner(&entry.gname, entry.gid),
        time.year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
    )
    .into_bytes();
    line.extend_from_slice(&entry.path);
    if matches!(entry.kind, Kind::Symlink | Kind::HardLink) {
        line.extend_from_slice(b" -> ");
        line.extend_from_slice(&entry.link);
    }
    line.push(b'\n');
    line
}
