//! Where a file has data, and where holes.

use std::os::fd::AsFd;

use isopod_tar::Piece;
use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// More pieces than this are not worth a map: the file is stored as it is.
const PIECES: usize = 100_000;

/// The pieces that hold data; nothing if the file has no holes, or the file system knows none.
pub(super) fn pieces(file: impl AsFd, size: u64) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < size {
        let start = match seek(&file, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => break,
            Err(_) => return None,
        };
        let end = seek(&file, SeekFrom::Hole(start)).ok()?.min(size);
        if start >= size || end <= start {
            break;
        }
        pieces.push(Piece { offset: start, length: end - start });
        at = end;
        if pieces.len() > PIECES {
            return None;
        }
    }
    let stored: u64 = pieces.iter().map(|piece| piece.length).sum();
    (stored < size).then_some(pieces)
}
