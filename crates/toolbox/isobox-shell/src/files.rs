//! Which descriptor stands for which number, without moving descriptors about.
//!
//! A redirection only changes this table: builtins look up where to read and write, and a program
//! gets its numbers right when it is started. So `echo x >file` is an open, a write and a close,
//! and a loop with redirections costs nothing on each turn.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

use isopod_sys::descriptor;
use rustix::io::Errno;

/// What a number stands for.
#[derive(Debug, Clone, Default)]
pub(crate) enum Slot {
    /// The descriptor of that number with which the shell was started, if there is one.
    #[default]
    Inherited,
    /// Nothing.
    Closed,
    /// A descriptor that the shell opened.
    Owned(Rc<OwnedFd>),
    /// An inherited descriptor of another number.
    Number(RawFd),
    /// Memory: the output of a command substitution that runs in this process.
    Capture(usize),
}

/// Where a number leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// To a descriptor.
    Descriptor(RawFd),
    /// To the memory of this index.
    Capture(usize),
    /// Nowhere.
    Closed,
}

/// The numbers' table.
#[derive(Debug, Default)]
pub(crate) struct Files {
    slots: Vec<Slot>,
    /// The output of command substitutions that run in this process.
    pub captures: Vec<Vec<u8>>,
    /// How many redirections will be undone; none may close what they refer to.
    saves: usize,
}

/// Highest number that a script may use.
pub(crate) const MAX_NUMBER: usize = 9999;

impl Pump {
    /// The ends that are read from.
    pub(crate) fn readers(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.readers.iter().map(|(_, reader, _)| reader.as_raw_fd())
    }
}

impl Files {
    /// The table of a shell that starts: the standard streams may be closed.
    #[must_use]
    pub(crate) fn new() -> Self {
        let mut files = Self::default();
        for number in 0..3 {
            if !descriptor::is_inherited(number) {
                files.put(number as usize, Slot::Closed);
            }
        }
        files
    }

    /// What a number stands for.
    #[must_use]
    pub(crate) fn slot(&self, number: usize) -> Slot {
        self.slots.get(number).cloned().unwrap_or_default()
    }

    /// Lets a number stand for something else; returns what it stood for.
    pub(crate) fn put(&mut self, number: usize, slot: Slot) -> Slot {
        if number >= self.slots.len() {
            self.slots.resize(number + 1, Slot::Inherited);
        }
        std::mem::replace(&mut self.slots[number], slot)
    }

    /// Where a number leads.
    #[inline]
    #[must_use]
    pub(crate) fn target(&self, number: usize) -> Target {
        match self.slots.get(number) {
            None | Some(Slot::Inherited) => {
                let raw = number as RawFd;
                // That the standard streams are open was seen at the start.
                if number < 3 || descriptor::is_inherited(raw) {
                    Target::Descriptor(raw)
                } else {
                    Target::Closed
                }
            }
            Some(Slot::Closed) => Target::Closed,
            Some(Slot::Owned(file)) => Target::Descriptor(file.as_raw_fd()),
            Some(Slot::Number(raw)) => Target::Descriptor(*raw),
            Some(Slot::Capture(index)) => Target::Capture(*index),
        }
    }

    /// The descriptor behind a number, if it is one.
    #[must_use]
    pub(crate) fn descriptor(&self, number: usize) -> Option<BorrowedFd<'_>> {
        match self.slots.get(number) {
            Some(Slot::Owned(file)) => Some(file.as_fd()),
            _ => match self.target(number) {
                Target::Descriptor(raw) => Some(descriptor::numbered(raw)),
                _ => None,
            },
        }
    }

    /// The slot that a copy of `number` has; nothing if it is closed.
    #[must_use]
    pub(crate) fn copy(&self, number: usize) -> Option<Slot> {
        match self.slot(number) {
            Slot::Inherited => match self.target(number) {
                Target::Descriptor(raw) => Some(Slot::Number(raw)),
                _ => None,
            },
            Slot::Closed => None,
            other => Some(other),
        }
    }

    /// Notes that slots were put aside, to be put back later.
    pub(crate) fn hold(&mut self, count: usize) {
        self.saves += count;
    }

    /// What was put aside will not be put back after all.
    pub(crate) fn unhold(&mut self, count: usize) {
        self.saves -= count;
    }

    /// Puts slots back, the last first.
    pub(crate) fn put_back(&mut self, saved: &mut Vec<(usize, Slot)>) {
        self.saves -= saved.len();
        while let Some((number, slot)) = saved.pop() {
            self.put(number, slot);
        }
    }

    /// A redirection for good has replaced `old`: what nothing refers to any more is closed.
    pub(crate) fn release(&mut self, number: usize, old: &Slot) {
        if self.saves > 0 {
            return;
        }
        let raw = match old {
            Slot::Inherited => number as RawFd,
            Slot::Number(raw) => *raw,
            _ => return,
        };
        let used =
            self.slots.iter().any(|slot| matches!(slot, Slot::Number(other) if *other == raw))
                || matches!(self.slots.get(raw as usize), None | Some(Slot::Inherited));
        if !used {
            // It may have been closed before; there is nothing to do then.
            descriptor::close_inherited(raw).ok();
        }
    }

    /// Gives a number's descriptor the very number if nothing else has it, for those who look at
    /// `/proc`.
    pub(crate) fn settle(&mut self, number: usize) {
        let Some(Slot::Owned(file)) = self.slots.get(number) else { return };
        let wanted = number as RawFd;
        if self.saves > 0 || file.as_raw_fd() == wanted {
            return;
        }
        if let Ok(moved) = rustix::io::fcntl_dupfd_cloexec(file, wanted)
            && moved.as_raw_fd() == wanted
        {
            self.slots[number] = Slot::Owned(Rc::new(moved));
        }
    }

    /// What has to be done in a new process so that the numbers are right, in an order in which
    /// no step destroys what a later one needs.
    #[must_use]
    pub(crate) fn actions(&self) -> Vec<(RawFd, RawFd)> {
        let mut moves = Vec::new();
        let mut actions = Vec::new();
        for (number, slot) in self.slots.iter().enumerate() {
            let number = number as RawFd;
            match slot {
                Slot::Inherited | Slot::Capture(_) => {}
                Slot::Closed => actions.push((-1, number)),
                Slot::Owned(file) => moves.push((file.as_raw_fd(), number)),
                Slot::Number(raw) if *raw != number => moves.push((*raw, number)),
                Slot::Number(_) => {}
            }
        }
        // What is closed may still be the source of a move.
        let closes = std::mem::take(&mut actions);
        // One that is in its place only has to stay open; nothing else goes there.
        let (stays, mut moves): (Vec<_>, Vec<_>) =
            moves.into_iter().partition(|(from, to)| from == to);
        let mut spare = MAX_SPARE;
        while !moves.is_empty() {
            let free = moves.iter().position(|&(_, to)| !moves.iter().any(|&(from, _)| from == to));
            if let Some(index) = free {
                actions.push(moves.swap_remove(index));
                continue;
            }
            // A circle: one source steps aside.
            let source = moves[0].0;
            actions.push((source, spare));
            for entry in moves.iter_mut().filter(|entry| entry.0 == source) {
                entry.0 = spare;
            }
            spare -= 1;
        }
        actions.extend(stays);
        for number in spare + 1..=MAX_SPARE {
            actions.push((-1, number));
        }
        for (from, number) in closes {
            if !actions.iter().any(|&(_, to)| to == number) {
                actions.push((from, number));
            }
        }
        actions
    }

    /// Replaces memory by pipes, for a new process; returns what is to be read from them.
    pub(crate) fn pipes_for_captures(&mut self) -> Result<Pump, Errno> {
        let mut pump = Pump { readers: Vec::new(), saved: Vec::new() };
        for number in 0..self.slots.len() {
            let Slot::Capture(index) = self.slots[number] else { continue };
            let known = pump.readers.iter().find(|(other, ..)| *other == index);
            let writer = match known {
                Some((_, _, writer)) => Rc::clone(writer),
                None => {
                    let (reader, writer) = pipe()?;
                    let writer = Rc::new(writer);
                    pump.readers.push((index, reader, Rc::clone(&writer)));
                    writer
                }
            };
            let old = self.put(number, Slot::Owned(writer));
            pump.saved.push((number, old));
        }
        self.saves += pump.saved.len();
        Ok(pump)
    }

    /// Puts the memory back, and fills it by what the new processes write, until all have closed.
    pub(crate) fn pump(&mut self, mut pump: Pump) {
        self.put_back(&mut pump.saved);
        let mut readers: Vec<(usize, OwnedFd)> =
            pump.readers.into_iter().map(|(index, reader, _)| (index, reader)).collect();
        while !readers.is_empty() {
            let ready = if readers.len() == 1 { 0 } else { wait_readable(&readers) };
            let (index, reader) = &readers[ready];
            let buffer = &mut self.captures[*index];
            buffer.reserve(READ_BYTES);
            match rustix::io::read(reader, rustix::buffer::spare_capacity(buffer)) {
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => {
                    readers.swap_remove(ready);
                }
                Ok(_) => {}
            }
        }
    }
}

const MAX_SPARE: RawFd = 250;
const READ_BYTES: usize = 4096;

fn wait_readable(readers: &[(usize, OwnedFd)]) -> usize {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut polled: Vec<PollFd<'_>> =
        readers.iter().map(|(_, reader)| PollFd::new(reader, PollFlags::IN)).collect();
    loop {
        if poll(&mut polled, None).is_ok()
            && let Some(index) = polled.iter().position(|entry| !entry.revents().is_empty())
        {
            return index;
        }
    }
}

/// Pipes that stand for memory while another process runs.
#[derive(Debug)]
pub(crate) struct Pump {
    readers: Vec<(usize, OwnedFd, Rc<OwnedFd>)>,
    saved: Vec<(usize, Slot)>,
}

/// A pipe that programs do not inherit.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
}

/// A file in memory that holds `text`, to be read from its beginning.
pub(crate) fn memory(text: &[u8]) -> Result<OwnedFd, std::io::Error> {
    let file = rustix::fs::memfd_create("here-document", rustix::fs::MemfdFlags::CLOEXEC)?;
    write_all(file.as_fd(), text)?;
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
    Ok(file)
}

/// Writes everything, over interruptions and short writes.
pub(crate) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                use rustix::event::{PollFd, PollFlags, poll};
                match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The number that a name such as `/dev/stdin` or `/dev/fd/3` means.
#[must_use]
pub(crate) fn number_of_path(path: &[u8]) -> Option<usize> {
    let number = match path {
        b"/dev/stdin" => return Some(0),
        b"/dev/stdout" => return Some(1),
        b"/dev/stderr" => return Some(2),
        _ => path.strip_prefix(b"/dev/fd/").or_else(|| path.strip_prefix(b"/proc/self/fd/"))?,
    };
    let digits = !number.is_empty() && number.len() < 5 && number.iter().all(u8::is_ascii_digit);
    digits.then(|| number.iter().fold(0, |value, byte| value * 10 + usize::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the numbers 0 to 5 hold after the actions, if each held itself before.
    fn run(files: &Files) -> Vec<RawFd> {
        let mut table: std::collections::BTreeMap<RawFd, RawFd> =
            (0..300).map(|n| (n, n)).collect();
        for (from, to) in files.actions() {
            if from < 0 {
                table.insert(to, -1);
            } else {
                let value = table[&from];
                table.insert(to, value);
            }
        }
        (0..6).map(|number| table[&number]).collect()
    }

    #[test]
    fn numbers_are_moved_without_loss() {
        let mut files = Files::default();
        files.put(2, Slot::Number(1));
        files.put(1, Slot::Number(3));
        assert_eq!(run(&files), [0, 3, 1, 3, 4, 5]);
        // A circle, and a third that reads from it.
        files.put(3, Slot::Number(2));
        assert_eq!(run(&files), [0, 3, 1, 2, 4, 5]);
        files.put(4, Slot::Number(3));
        files.put(5, Slot::Closed);
        assert_eq!(run(&files), [0, 3, 1, 2, 3, -1]);
        // What `configure` does: a log that is in its place and copied, the old output kept.
        let mut files = Files::default();
        let null = std::fs::File::open("/dev/null").unwrap();
        let log = rustix::io::fcntl_dupfd_cloexec(&null, 20).unwrap();
        let raw = log.as_raw_fd();
        let log = Rc::new(log);
        files.put(0, Slot::Number(4));
        files.put(1, Slot::Owned(Rc::clone(&log)));
        files.put(3, Slot::Number(0));
        files.put(4, Slot::Number(1));
        files.put(raw as usize, Slot::Owned(log));
        let after = run(&files);
        assert_eq!((after[0], after[1], after[3], after[4]), (4, raw, 0, 1));
    }
}
