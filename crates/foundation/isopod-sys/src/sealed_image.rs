//! Sealing the running program where it is, without executing it anew.
//!
//! What [`crate::sealed_exe`] gives is usually executed, so that `/proc/PID/exe` leads to a file
//! that nobody can write to. A second exec costs a second start-up of the C library and of the
//! address space, though, which is most of what a short-lived program does. The kernel also
//! lets a process exchange the file that its `exe` link leads to (`PR_SET_MM_MAP`, made for
//! restoring checkpoints), as soon as nothing of the old file is mapped any more. So here every
//! segment of the program is mapped again, at its place, from the sealed file: what is never
//! written straight from the file, what is written as a copy in anonymous memory.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

use rustix::fs::{Mode, OFlags};

use crate::clone::is_single_threaded;

const PR_SET_MM: libc::c_int = 35;
const PR_SET_MM_MAP: libc::c_ulong = 14;

/// `struct prctl_mm_map` of `linux/prctl.h`.
#[repr(C)]
struct MemoryMap {
    start_code: u64,
    end_code: u64,
    start_data: u64,
    end_data: u64,
    start_brk: u64,
    brk: u64,
    start_stack: u64,
    arg_start: u64,
    arg_end: u64,
    env_start: u64,
    env_end: u64,
    auxv: u64,
    auxv_size: u32,
    exe_fd: u32,
}

/// A part of the program that is mapped from its file, in whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    start: usize,
    length: usize,
    /// Where it begins in the file.
    offset: u64,
    /// `PROT_*`.
    protection: libc::c_int,
}

/// Makes the running program one that was executed from `sealed`, which must be open on the
/// very file that it was executed from (see [`crate::sealed_exe::open`]). For static programs
/// of one thread; others are refused. After an error the program runs on as before, but part of
/// its memory may come from the sealed file already, which makes no difference to it.
pub fn adopt(sealed: BorrowedFd<'_>) -> io::Result<()> {
    if !is_single_threaded() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let path = format!("/proc/self/fd/{}", sealed.as_raw_fd());
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut map = current_map()?;
    map.exe_fd = u32::try_from(file.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = Program::running()?;
    for segment in &program.segments {
        if segment.protection & libc::PROT_WRITE == 0 {
            map_again(*segment, file.as_raw_fd())?;
        } else {
            detach_from_file(*segment)?;
        }
    }
    if let Some((start, length)) = program.read_only {
        // SAFETY: these pages were read-only before; the start-up code had made them so.
        check(unsafe { libc::mprotect(start as *mut libc::c_void, length, libc::PROT_READ) })?;
    }
    // SAFETY: the structure is as large as said, and the kernel only reads it.
    check(unsafe {
        libc::prctl(PR_SET_MM, PR_SET_MM_MAP, &raw const map, size_of::<MemoryMap>(), 0)
    })
}

/// Maps a part of the program that is never written to from the same bytes of the same file.
fn map_again(segment: Segment, file: RawFd) -> io::Result<()> {
    let offset = libc::off_t::try_from(segment.offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel exchanges the pages in one step for such with the same content (the
    // file is the one that the program was executed from, and a file that is being executed
    // cannot be written to), so that it does not matter that this code is among them.
    let mapped = unsafe {
        libc::mmap(
            segment.start as *mut libc::c_void,
            segment.length,
            segment.protection,
            libc::MAP_PRIVATE | libc::MAP_FIXED,
            file,
            offset,
        )
    };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Puts a copy in anonymous memory in the place of a part of the program that was written to.
fn detach_from_file(segment: Segment) -> io::Result<()> {
    // SAFETY: fresh memory of that size, which nobody else knows, is filled from pages that are
    // mapped readable, and moved over them in one step. There is one thread, and between copy
    // and move it writes to none of these pages: `mremap` is a bare system call, and `errno`
    // lies in the thread's own memory, which is no part of the program's file.
    unsafe {
        let copy = libc::mmap(
            ptr::null_mut(),
            segment.length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if copy == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let place = segment.start as *mut libc::c_void;
        ptr::copy_nonoverlapping(place.cast::<u8>(), copy.cast::<u8>(), segment.length);
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        if libc::mremap(copy, segment.length, segment.length, flags, place) == libc::MAP_FAILED {
            let error = io::Error::last_os_error();
            libc::munmap(copy, segment.length);
            return Err(error);
        }
    }
    Ok(())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How the running program lies in memory, from its own program headers.
#[derive(Debug)]
struct Program {
    segments: Vec<Segment>,
    /// Start and length of what was written to by the start-up code only (`PT_GNU_RELRO`).
    read_only: Option<(usize, usize)>,
}

impl Program {
    fn running() -> io::Result<Self> {
        // SAFETY: getauxval reads what the kernel gave at the start.
        let (table, count) =
            unsafe { (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM)) };
        if table == 0 || count == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: the kernel says that the program's headers lie there, that many of them; they
        // are part of its first segment, which is never written to or unmapped.
        let headers =
            unsafe { std::slice::from_raw_parts(table as *const libc::Elf64_Phdr, count as usize) };
        let page = rustix::param::page_size();
        Self::from_headers(headers, table as usize, page).ok_or(io::ErrorKind::Unsupported.into())
    }

    /// `None` for programs that are not laid out as expected.
    fn from_headers(headers: &[libc::Elf64_Phdr], table: usize, page: usize) -> Option<Self> {
        let find = |kind| headers.iter().find(|header| header.p_type == kind);
        if find(libc::PT_INTERP).is_some() {
            // The loader and libraries are files of their own.
            return None;
        }
        let bias = match find(libc::PT_PHDR) {
            Some(header) => table.checked_sub(usize::try_from(header.p_vaddr).ok()?)?,
            None => return None,
        };
        let pages = |from: u64, size: u64| -> Option<(usize, usize)> {
            let start = bias.checked_add(usize::try_from(from).ok()?)?;
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            Some((start & !(page - 1), end))
        };
        let mut segments = Vec::with_capacity(headers.len());
        for header in headers.iter().filter(|h| h.p_type == libc::PT_LOAD && h.p_filesz > 0) {
            let (start, end) = pages(header.p_vaddr, header.p_filesz)?;
            segments.push(Segment {
                start,
                length: end.checked_next_multiple_of(page)?.checked_sub(start)?,
                offset: header.p_offset & !(page as u64 - 1),
                protection: protection(header.p_flags),
            });
        }
        let read_only = match find(libc::PT_GNU_RELRO) {
            Some(header) => {
                let (start, end) = pages(header.p_vaddr, header.p_memsz)?;
                // A page that is shared with what is written to stays writable.
                let end = end & !(page - 1);
                (end > start).then(|| (start, end - start))
            }
            None => None,
        };
        Some(Self { segments, read_only })
    }
}

fn protection(flags: u32) -> libc::c_int {
    [(libc::PF_R, libc::PROT_READ), (libc::PF_W, libc::PROT_WRITE), (libc::PF_X, libc::PROT_EXEC)]
        .iter()
        .filter(|(flag, _)| flags & flag != 0)
        .fold(0, |all, (_, protection)| all | protection)
}

/// What the kernel has noted of this process's memory: it wants all of it back.
fn current_map() -> io::Result<MemoryMap> {
    // The file says that it is empty, so a reader without a guess would begin with a few bytes.
    let mut text = String::with_capacity(1024);
    io::Read::read_to_string(&mut std::fs::File::open("/proc/self/stat")?, &mut text)?;
    // SAFETY: sbrk(0) changes nothing.
    let brk = unsafe { libc::sbrk(0) } as u64;
    parse_stat(&text, brk).ok_or(io::ErrorKind::InvalidData.into())
}

/// Numbers of fields are those of proc(5), which counts from 1; the name in parentheses, field
/// 2, may hold anything.
fn parse_stat(text: &str, brk: u64) -> Option<MemoryMap> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(MemoryMap {
        start_code: field(26)?,
        end_code: field(27)?,
        start_data: field(45)?,
        end_data: field(46)?,
        start_brk: field(47)?,
        brk,
        start_stack: field(28)?,
        arg_start: field(48)?,
        arg_end: field(49)?,
        env_start: field(50)?,
        env_end: field(51)?,
        auxv: 0,
        auxv_size: 0,
        exe_fd: u32::MAX,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u32, flags: u32, offset: u64, address: u64, size: u64) -> libc::Elf64_Phdr {
        libc::Elf64_Phdr {
            p_type: kind,
            p_flags: flags,
            p_offset: offset,
            p_vaddr: address,
            p_paddr: address,
            p_filesz: size,
            p_memsz: size,
            p_align: 0x1000,
        }
    }

    fn layout() -> Vec<libc::Elf64_Phdr> {
        vec![
            header(libc::PT_PHDR, libc::PF_R, 0x40, 0x20_0040, 0x230),
            header(libc::PT_LOAD, libc::PF_R, 0, 0x20_0000, 0x1e50),
            header(libc::PT_LOAD, libc::PF_R | libc::PF_X, 0x1e80, 0x20_2e80, 0x1000),
            header(libc::PT_LOAD, libc::PF_R | libc::PF_W, 0x2f90, 0x20_4f90, 0x1c40),
            header(libc::PT_GNU_RELRO, libc::PF_R, 0x2f90, 0x20_4f90, 0x1870),
        ]
    }

    #[test]
    fn segments_are_whole_pages_at_their_place() {
        for bias in [0, 0x7000_0000_0000] {
            let program = Program::from_headers(&layout(), bias + 0x20_0040, 0x1000).expect("good");
            let read = libc::PROT_READ;
            let expected = [
                (0x20_0000, 0x2000, 0, read),
                (0x20_2000, 0x2000, 0x1000, read | libc::PROT_EXEC),
                (0x20_4000, 0x3000, 0x2000, read | libc::PROT_WRITE),
            ]
            .map(|(start, length, offset, protection)| Segment {
                start: bias + start,
                length,
                offset,
                protection,
            });
            assert_eq!(program.segments, expected);
            assert_eq!(program.read_only, Some((bias + 0x20_4000, 0x2000)));
        }
    }

    #[test]
    fn programs_with_a_loader_are_refused() {
        let mut headers = layout();
        headers.push(header(libc::PT_INTERP, libc::PF_R, 0, 0, 0));
        assert!(Program::from_headers(&headers, 0x20_0040, 0x1000).is_none());
        assert!(Program::from_headers(&layout()[1..], 0x20_0040, 0x1000).is_none());
    }

    #[test]
    fn the_kernels_notes_are_read_past_any_name() {
        let numbers: Vec<String> = (4..=52).map(|number| (number * 10).to_string()).collect();
        let text = format!("7 (a) S 1 (b)) R {}", numbers.join(" "));
        let map = parse_stat(&text, 99).expect("parses");
        assert_eq!((map.start_code, map.end_code, map.start_stack), (260, 270, 280));
        assert_eq!((map.start_data, map.end_data, map.start_brk, map.brk), (450, 460, 470, 99));
        assert_eq!((map.arg_start, map.arg_end, map.env_start, map.env_end), (480, 490, 500, 510));
        assert!(parse_stat("7 (a) R 1 2", 0).is_none());
    }

    #[test]
    fn a_process_with_threads_is_refused() {
        // The test harness runs tests on threads.
        let file = crate::sealed_exe::open().expect("opens");
        assert!(adopt(std::os::fd::AsFd::as_fd(&file)).is_err());
    }
}
