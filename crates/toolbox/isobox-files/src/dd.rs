//! `dd`: copies by blocks.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use isobox_applet::{Applet, Context, Error, Place, Result, Status, number, read, write_all};
use rustix::fs::{Mode, OFlags, SeekFrom};

/// See the usage text.
pub(crate) const DD: Applet = Applet::new(
    "dd",
    dd,
    "[if=FILE] [of=FILE] [ibs=N obs=N | bs=N] [count=N] [skip=N] [seek=N] [cbs=N]\n\
     \t[conv=LIST] [iflag=LIST] [oflag=LIST] [status=none|noxfer|progress]\n\n\
     Copy and convert\n\n\
     \tif=, of=\tFiles, not standard input and output\n\
     \tibs=, obs=, bs=\tBytes to read, write, both at a time (512)\n\
     \tcount=\tBlocks to copy\n\
     \tskip=, seek=\tBlocks to pass over in the input, the output\n\
     \tconv=\tnotrunc noerror sync fsync fdatasync swab lcase ucase sparse excl nocreat block unblock\n\
     \tiflag=\tskip_bytes count_bytes fullblock direct nonblock noatime nofollow directory\n\
     \toflag=\tseek_bytes append direct dsync sync nonblock nofollow\n\n\
     N may end in c (1) w (2) b (512) k M G (1024...) kB MB GB (1000...), and be a product: 2x512",
)
.at(Place::Bin);

#[derive(Default)]
struct Plan {
    input: Option<OsString>,
    output: Option<OsString>,
    ibs: usize,
    obs: usize,
    same: bool,
    count: Option<u64>,
    skip: u64,
    seek: u64,
    cbs: usize,
    conv: Vec<String>,
    iflag: Vec<String>,
    oflag: Vec<String>,
    status: String,
}

#[derive(Default)]
struct Tally {
    in_full: u64,
    in_part: u64,
    out_full: u64,
    out_part: u64,
    bytes: u64,
}

const CONVERSIONS: &[&str] = &[
    "notrunc",
    "noerror",
    "sync",
    "fsync",
    "fdatasync",
    "swab",
    "lcase",
    "ucase",
    "sparse",
    "excl",
    "nocreat",
    "block",
    "unblock",
];
const INPUT_FLAGS: &[&str] = &[
    "skip_bytes",
    "count_bytes",
    "fullblock",
    "direct",
    "nonblock",
    "noatime",
    "nofollow",
    "directory",
];
const OUTPUT_FLAGS: &[&str] =
    &["seek_bytes", "append", "direct", "dsync", "sync", "nonblock", "nofollow"];

impl Plan {
    fn has(list: &[String], name: &str) -> bool {
        list.iter().any(|item| item == name)
    }
}

fn size(text: &str) -> Result<u64> {
    const SUFFIXES: &[(&str, u64)] = &[("c", 1), ("w", 2)];
    let invalid = || number::invalid(text.as_ref());
    let mut product = 1_u64;
    for part in text.split('x') {
        let value = number::with_suffix(part.as_ref(), SUFFIXES)
            .or_else(|_| number::size(part.as_ref()))
            .map_err(|_| invalid())?;
        product = product.checked_mul(value).ok_or_else(invalid)?;
    }
    Ok(product)
}

fn list(name: &str, text: &str, known: &[&str]) -> Result<Vec<String>> {
    text.split(',')
        .map(|item| {
            if known.contains(&item) {
                Ok(item.to_owned())
            } else {
                Err(Error::message(format!("unknown {name}={item}: expected {}", known.join(", "))))
            }
        })
        .collect()
}

fn parse(words: Vec<OsString>) -> Result<Plan> {
    let mut plan = Plan { ibs: 512, obs: 512, ..Plan::default() };
    let block = |text: &str| -> Result<usize> {
        let value = size(text)?;
        match usize::try_from(value) {
            Ok(value) if value > 0 && value <= 1 << 30 => Ok(value),
            _ => {
                Err(Error::message(format!("block size '{text}' is not between 1 byte and 1 GiB")))
            }
        }
    };
    for word in words.into_iter().filter(|word| word != "--") {
        let Some(at) = memchr::memchr(b'=', word.as_bytes()) else {
            return Err(Error::usage(format!("expected NAME=VALUE, not '{}'", word.display())));
        };
        let value = OsStr::from_bytes(&word.as_bytes()[at + 1..]);
        let text = value.to_string_lossy();
        match &word.as_bytes()[..at] {
            b"if" => plan.input = Some(value.to_owned()),
            b"of" => plan.output = Some(value.to_owned()),
            b"ibs" => plan.ibs = block(&text)?,
            b"obs" => plan.obs = block(&text)?,
            b"bs" => (plan.ibs, plan.obs, plan.same) = (block(&text)?, block(&text)?, true),
            b"cbs" => plan.cbs = block(&text)?,
            b"count" => plan.count = Some(size(&text)?),
            b"skip" | b"iseek" => plan.skip = size(&text)?,
            b"seek" | b"oseek" => plan.seek = size(&text)?,
            b"conv" => plan.conv.extend(list("conv", &text, CONVERSIONS)?),
            b"iflag" => plan.iflag.extend(list("iflag", &text, INPUT_FLAGS)?),
            b"oflag" => plan.oflag.extend(list("oflag", &text, OUTPUT_FLAGS)?),
            b"status" => {
                plan.status = list("status", &text, &["none", "noxfer", "progress"])?.remove(0)
            }
            _ => return Err(Error::usage(format!("unknown operand '{}'", word.display()))),
        }
    }
    let both = |a, b| Plan::has(&plan.conv, a) && Plan::has(&plan.conv, b);
    if both("block", "unblock") || both("lcase", "ucase") || both("excl", "nocreat") {
        return Err(Error::message("conv= has two that exclude each other"));
    }
    if (Plan::has(&plan.conv, "block") || Plan::has(&plan.conv, "unblock")) && plan.cbs == 0 {
        return Err(Error::message("conv=block and unblock need cbs=N"));
    }
    Ok(plan)
}

fn dd(cx: &mut Context<'_>) -> Result<Status> {
    let words = std::mem::take(&mut cx.args);
    let plan = parse(words)?;
    let started = Instant::now();
    let input_file = open_input(cx, &plan)?;
    let input = input_file.as_ref().map_or(cx.stdin, AsFd::as_fd);
    let input_name = plan.input.clone().unwrap_or_else(|| "standard input".into());
    let output_file = open_output(cx, &plan)?;
    let output = output_file.as_ref().map_or(cx.stdout.fd(), AsFd::as_fd);
    let output_name = plan.output.clone().unwrap_or_else(|| "standard output".into());
    let mut tally = Tally::default();
    let outcome = skip(input, &plan, &input_name).and_then(|()| {
        copy(cx, &plan, (input, &input_name), (output, &output_name), &mut tally, started)
    });
    let outcome = outcome.and_then(|()| {
        let done = if Plan::has(&plan.conv, "fsync") {
            rustix::fs::fsync(output)
        } else if Plan::has(&plan.conv, "fdatasync") {
            rustix::fs::fdatasync(output)
        } else {
            Ok(())
        };
        done.map_err(|errno| Error::path(&output_name, errno))
    });
    if let Err(error) = outcome {
        cx.report(&error);
    }
    summary(cx, &plan, &tally, started);
    Ok(cx.status())
}

fn open_input(cx: &Context<'_>, plan: &Plan) -> Result<Option<OwnedFd>> {
    let Some(name) = &plan.input else { return Ok(None) };
    let mut flags = OFlags::RDONLY | OFlags::NOCTTY;
    for flag in &plan.iflag {
        flags |= match flag.as_str() {
            "direct" => OFlags::DIRECT,
            "nonblock" => OFlags::NONBLOCK,
            "noatime" => OFlags::NOATIME,
            "nofollow" => OFlags::NOFOLLOW,
            "directory" => OFlags::DIRECTORY,
            _ => OFlags::empty(),
        };
    }
    cx.open_with(name, flags, Mode::empty()).map(Some)
}

fn open_output(cx: &Context<'_>, plan: &Plan) -> Result<Option<OwnedFd>> {
    let offset = if Plan::has(&plan.oflag, "seek_bytes") {
        Some(plan.seek)
    } else {
        plan.seek.checked_mul(plan.obs as u64)
    };
    let offset = offset
        .filter(|&offset| i64::try_from(offset).is_ok())
        .ok_or_else(|| Error::message("seek= is too large"))?;
    let mut opened = None;
    if let Some(name) = &plan.output {
        let mut flags = OFlags::WRONLY | OFlags::NOCTTY;
        if !Plan::has(&plan.conv, "nocreat") {
            flags |= OFlags::CREATE;
        }
        if Plan::has(&plan.conv, "excl") {
            flags |= OFlags::EXCL;
        }
        let truncate = !Plan::has(&plan.conv, "notrunc");
        if truncate && offset == 0 {
            flags |= OFlags::TRUNC;
        }
        for flag in &plan.oflag {
            flags |= match flag.as_str() {
                "append" => OFlags::APPEND,
                "direct" => OFlags::DIRECT,
                "dsync" => OFlags::DSYNC,
                "sync" => OFlags::SYNC,
                "nonblock" => OFlags::NONBLOCK,
                "nofollow" => OFlags::NOFOLLOW,
                _ => OFlags::empty(),
            };
        }
        let file = cx.open_with(name, flags, Mode::from_raw_mode(0o666))?;
        if truncate && offset > 0 {
            // Devices cannot be cut, and need not be.
            if let Err(errno) = rustix::fs::ftruncate(&file, offset)
                && rustix::fs::fstat(&file)
                    .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file())
            {
                return Err(Error::path(name, errno));
            }
        }
        opened = Some(file);
    }
    if offset > 0 {
        let fd = opened.as_ref().map_or(cx.stdout.fd(), AsFd::as_fd);
        let name = plan.output.clone().unwrap_or_else(|| "standard output".into());
        rustix::fs::seek(fd, SeekFrom::Current(i64::try_from(offset).unwrap_or(0)))
            .map_err(|errno| Error::path(&name, errno))?;
    }
    Ok(opened)
}

fn skip(input: BorrowedFd<'_>, plan: &Plan, name: &OsStr) -> Result<()> {
    let bytes = if Plan::has(&plan.iflag, "skip_bytes") {
        Some(plan.skip)
    } else {
        plan.skip.checked_mul(plan.ibs as u64)
    };
    let bytes = bytes.ok_or_else(|| Error::message("skip= is too large"))?;
    if bytes == 0 {
        return Ok(());
    }
    if let Ok(distance) = i64::try_from(bytes)
        && rustix::fs::seek(input, SeekFrom::Current(distance)).is_ok()
    {
        return Ok(());
    }
    // What cannot seek is read.
    let (mut left, mut buffer) = (bytes, vec![0; plan.ibs]);
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match read(input, &mut buffer[..length]).map_err(|error| Error::path(name, error))? {
            0 => break,
            count => left -= count as u64,
        }
    }
    Ok(())
}

type Side<'s> = (BorrowedFd<'s>, &'s OsStr);

fn copy(
    cx: &mut Context<'_>,
    plan: &Plan,
    input: Side<'_>,
    output: Side<'_>,
    tally: &mut Tally,
    started: Instant,
) -> Result<()> {
    let full = Plan::has(&plan.iflag, "fullblock");
    let count_bytes = Plan::has(&plan.iflag, "count_bytes");
    let padded = Plan::has(&plan.conv, "sync");
    let converted = ["swab", "lcase", "ucase", "block", "unblock"]
        .iter()
        .any(|name| Plan::has(&plan.conv, name));
    let direct = plan.same && !converted;
    let mut converter = Converter { plan, column: 0, held: None, spaces: 0 };
    let mut buffer = vec![0; plan.ibs];
    let mut pending: Vec<u8> = Vec::new();
    let (mut blocks, mut taken) = (0_u64, 0_u64);
    let mut shown = Instant::now();
    loop {
        let mut want = plan.ibs;
        match plan.count {
            Some(count) if count_bytes => {
                want = usize::try_from(count - taken).unwrap_or(usize::MAX).min(want);
                if want == 0 {
                    break;
                }
            }
            Some(count) if blocks >= count => break,
            _ => {}
        }
        let mut got = 0;
        let mut failure = None;
        while got < want {
            match read(input.0, &mut buffer[got..want]) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            if !full {
                break;
            }
        }
        if let Some(error) = failure {
            if !Plan::has(&plan.conv, "noerror") {
                flush(plan, &mut pending, output, tally)?;
                return Err(Error::path(input.1, error));
            }
            cx.report(&Error::path(input.1, error));
            // Past what cannot be read, if that can be passed.
            rustix::fs::seek(input.0, SeekFrom::Current(i64::try_from(want).unwrap_or(0)))
                .map_err(|errno| Error::path(input.1, errno))?;
            if padded {
                buffer[..want].fill(0);
                got = want;
            }
            blocks += 1;
            if got == 0 {
                continue;
            }
        }
        if got == 0 {
            break;
        }
        blocks += 1;
        taken += got as u64;
        *(if got == plan.ibs { &mut tally.in_full } else { &mut tally.in_part }) += 1;
        let mut length = got;
        if padded && got < plan.ibs {
            let fill = if Plan::has(&plan.conv, "block") || Plan::has(&plan.conv, "unblock") {
                b' '
            } else {
                0
            };
            buffer[got..].fill(fill);
            length = plan.ibs;
        }
        if direct {
            put(plan, &buffer[..length], output, tally)?;
        } else {
            converter.convert(&mut buffer[..length], &mut pending);
            let whole = pending.len() / plan.obs * plan.obs;
            for block in pending[..whole].chunks(plan.obs) {
                put(plan, block, output, tally)?;
            }
            pending.drain(..whole);
        }
        if plan.status == "progress" && shown.elapsed().as_secs() >= 1 {
            shown = Instant::now();
            let line = format!("\r{}", transfer(tally.bytes, started));
            write_all(cx.stderr, line.as_bytes()).ok();
        }
    }
    converter.finish(&mut pending);
    flush(plan, &mut pending, output, tally)?;
    if Plan::has(&plan.conv, "sparse") {
        // A hole at the end has to be made explicitly.
        if let Ok(position) = rustix::fs::tell(output.0) {
            let short = rustix::fs::fstat(output.0)
                .is_ok_and(|stat| u64::try_from(stat.st_size).unwrap_or(0) < position);
            if short {
                rustix::fs::ftruncate(output.0, position)
                    .map_err(|errno| Error::path(output.1, errno))?;
            }
        }
    }
    Ok(())
}

fn flush(plan: &Plan, pending: &mut Vec<u8>, output: Side<'_>, tally: &mut Tally) -> Result<()> {
    for block in std::mem::take(pending).chunks(plan.obs) {
        put(plan, block, output, tally)?;
    }
    Ok(())
}

fn put(plan: &Plan, block: &[u8], output: Side<'_>, tally: &mut Tally) -> Result<()> {
    let hole = Plan::has(&plan.conv, "sparse")
        && block.iter().all(|&byte| byte == 0)
        && rustix::fs::seek(output.0, SeekFrom::Current(i64::try_from(block.len()).unwrap_or(0)))
            .is_ok();
    if !hole {
        write_all(output.0, block)
            .map_err(|error| Error::doing("error writing", output.1, error))?;
    }
    *(if block.len() == plan.obs { &mut tally.out_full } else { &mut tally.out_part }) += 1;
    tally.bytes += block.len() as u64;
    Ok(())
}

struct Converter<'p> {
    plan: &'p Plan,
    column: usize,
    held: Option<u8>,
    spaces: usize,
}

impl Converter<'_> {
    fn convert(&mut self, bytes: &mut [u8], target: &mut Vec<u8>) {
        let conv = &self.plan.conv;
        if Plan::has(conv, "lcase") {
            bytes.make_ascii_lowercase();
        } else if Plan::has(conv, "ucase") {
            bytes.make_ascii_uppercase();
        }
        let mut swapped;
        let mut bytes: &[u8] = bytes;
        if Plan::has(conv, "swab") {
            swapped =
                self.held.take().into_iter().chain(bytes.iter().copied()).collect::<Vec<u8>>();
            if swapped.len() % 2 == 1 {
                self.held = swapped.pop();
            }
            swapped.chunks_mut(2).for_each(|pair| pair.swap(0, 1));
            bytes = &swapped;
        }
        let cbs = self.plan.cbs;
        if Plan::has(conv, "block") {
            for &byte in bytes {
                if byte == b'\n' {
                    target.resize(target.len() + cbs.saturating_sub(self.column), b' ');
                    self.column = 0;
                } else {
                    if self.column < cbs {
                        target.push(byte);
                    }
                    self.column += 1;
                }
            }
        } else if Plan::has(conv, "unblock") {
            for &byte in bytes {
                if byte == b' ' {
                    self.spaces += 1;
                } else {
                    target.resize(target.len() + std::mem::take(&mut self.spaces), b' ');
                    target.push(byte);
                }
                self.column += 1;
                if self.column == cbs {
                    target.push(b'\n');
                    (self.column, self.spaces) = (0, 0);
                }
            }
        } else {
            target.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, target: &mut Vec<u8>) {
        if let Some(byte) = self.held.take() {
            target.push(byte);
        }
        if Plan::has(&self.plan.conv, "block") && self.column > 0 {
            target.resize(target.len() + self.plan.cbs.saturating_sub(self.column), b' ');
        } else if Plan::has(&self.plan.conv, "unblock") && self.column > 0 {
            target.push(b'\n');
        }
    }
}

fn transfer(bytes: u64, started: Instant) -> String {
    let seconds = started.elapsed().as_secs_f64().max(1e-6);
    let mut text = format!("{bytes} bytes ");
    if bytes >= 1024 {
        text.push_str(&format!("({}) ", unit(bytes as f64)));
    }
    text.push_str(&format!("copied, {seconds:.6} seconds, {}/s", unit(bytes as f64 / seconds)));
    text
}

fn unit(mut value: f64) -> String {
    let mut unit = 0;
    while value >= 1024.0 && unit < 5 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1}{}B", ["", "K", "M", "G", "T", "P"][unit])
}

fn summary(cx: &mut Context<'_>, plan: &Plan, tally: &Tally, started: Instant) {
    if plan.status == "none" {
        return;
    }
    let mut text = String::new();
    if plan.status == "progress" {
        text.push('\n');
    }
    text.push_str(&format!(
        "{}+{} records in\n{}+{} records out\n",
        tally.in_full, tally.in_part, tally.out_full, tally.out_part
    ));
    if plan.status != "noxfer" {
        text.push_str(&transfer(tally.bytes, started));
        text.push('\n');
    }
    write_all(cx.stderr, text.as_bytes()).ok();
}
