//! `md5sum`, `sha1sum`, `sha256sum` and their kin: print checksums and verify lists of them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};
use sha2::digest::DynDigest;

macro_rules! checksums {
    ($($constant:ident, $function:ident, $name:literal, $algorithm:literal, $new:expr;)*) => {
        $(
            /// See the usage text.
            pub(crate) const $constant: Applet = Applet::new(
                $name,
                $function,
                concat!(
                    "[-c [-swq]] [-bz] [--tag] [FILE]...\n\nPrint or check ", $algorithm, " checksums\n\n",
                    "\t-c\tCheck the files that are listed in FILEs\n",
                    "\t-s, --status\tPrint nothing: the exit status tells\n",
                    "\t-w\tWarn of lines that are no checksums\n",
                    "\t-q, --quiet\tDo not print OK\n",
                    "\t--strict\tSuch lines are failures\n",
                    "\t--ignore-missing\tFiles that do not exist are not failures\n",
                    "\t--tag\tPrint in the manner of BSD\n",
                    "\t-z\tEnd lines with NUL\n",
                    "\t-b, -t\tMark files as binary or as text (no difference)",
                ),
            );

            fn $function(cx: &mut Context<'_>) -> Result<Status> {
                run(cx, &Algorithm { name: $algorithm, new: || $new }, &OPTIONS)
            }
        )*
    };
}

checksums! {
    MD5SUM, md5sum, "md5sum", "MD5", Box::new(md5::Md5::default());
    SHA1SUM, sha1sum, "sha1sum", "SHA1", Box::new(sha1::Sha1::default());
    SHA224SUM, sha224sum, "sha224sum", "SHA224", Box::new(sha2::Sha224::default());
    SHA256SUM, sha256sum, "sha256sum", "SHA256", Box::new(sha2::Sha256::default());
    SHA384SUM, sha384sum, "sha384sum", "SHA384", Box::new(sha2::Sha384::default());
    SHA512SUM, sha512sum, "sha512sum", "SHA512", Box::new(sha2::Sha512::default());
}

/// See the usage text.
pub(crate) const SHA3SUM: Applet = Applet::new(
    "sha3sum",
    sha3sum,
    "[-c [-swq]] [-a BITS] [FILE]...\n\n\
     Print or check SHA-3 checksums\n\n\
     \t-a BITS\t224 (default), 256, 384 or 512\n\
     \t-c\tCheck the files that are listed in FILEs\n\
     \t-s, --status\tPrint nothing: the exit status tells\n\
     \t-w\tWarn of lines that are no checksums",
);

const OPTIONS: Spec = Spec::new(
    "cswqbtz",
    &[
        ("check", 'c'),
        ("status", 's'),
        ("warn", 'w'),
        ("quiet", 'q'),
        ("binary", 'b'),
        ("text", 't'),
        ("zero", 'z'),
        ("strict", '\x01'),
        ("ignore-missing", '\x02'),
        ("tag", '\x03'),
    ],
);

const SHA3_OPTIONS: Spec = Spec::new(
    "cswqbtza:",
    &[
        ("algorithm=", 'a'),
        ("check", 'c'),
        ("status", 's'),
        ("warn", 'w'),
        ("quiet", 'q'),
        ("binary", 'b'),
        ("text", 't'),
        ("zero", 'z'),
        ("strict", '\x01'),
        ("ignore-missing", '\x02'),
        ("tag", '\x03'),
    ],
);

fn sha3sum(cx: &mut Context<'_>) -> Result<Status> {
    let algorithm = Algorithm { name: "SHA3-224", new: || Box::new(sha3::Sha3_224::default()) };
    run(cx, &algorithm, &SHA3_OPTIONS)
}

fn sha3(bits: &str) -> Result<Algorithm> {
    Ok(match bits {
        "224" => Algorithm { name: "SHA3-224", new: || Box::new(sha3::Sha3_224::default()) },
        "256" => Algorithm { name: "SHA3-256", new: || Box::new(sha3::Sha3_256::default()) },
        "384" => Algorithm { name: "SHA3-384", new: || Box::new(sha3::Sha3_384::default()) },
        "512" => Algorithm { name: "SHA3-512", new: || Box::new(sha3::Sha3_512::default()) },
        _ => return Err(Error::message(format!("bad -a {bits}: expected 224, 256, 384 or 512"))),
    })
}

#[derive(Clone, Copy)]
struct Algorithm {
    name: &'static str,
    new: fn() -> Box<dyn DynDigest>,
}

#[derive(Default)]
struct Style {
    check: bool,
    status: bool,
    warn: bool,
    quiet: bool,
    binary: bool,
    zero: bool,
    strict: bool,
    ignore_missing: bool,
    tag: bool,
}

fn run(cx: &mut Context<'_>, algorithm: &Algorithm, options: &'static Spec) -> Result<Status> {
    let mut algorithm = *algorithm;
    let mut style = Style::default();
    let mut arguments = cx.parse(options);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => algorithm = sha3(&arguments.text()?)?,
            'c' => style.check = true,
            's' => style.status = true,
            'w' => style.warn = true,
            'q' => style.quiet = true,
            'b' => style.binary = true,
            't' => style.binary = false,
            'z' => style.zero = true,
            '\x01' => style.strict = true,
            '\x02' => style.ignore_missing = true,
            _ => style.tag = true,
        }
    }
    if !style.check
        && (style.status || style.warn || style.quiet || style.strict || style.ignore_missing)
    {
        return Err(Error::usage("-s, -w, -q, --strict and --ignore-missing need -c"));
    }
    let operands = arguments.operands();
    cx.each_input(&operands, |cx, input, name| {
        if style.check {
            return check(cx, input, name, algorithm, &style);
        }
        let sum = sum(input, algorithm).map_err(|error| error.on(name))?;
        print(cx, &sum, name, algorithm, &style)
    })?;
    Ok(cx.status())
}

fn sum(input: &mut Input<'_>, algorithm: Algorithm) -> Result<String> {
    let mut digest = (algorithm.new)();
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            break;
        }
        digest.update(chunk);
        let length = chunk.len();
        input.consume(length);
    }
    Ok(hex(&digest.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

fn print(
    cx: &mut Context<'_>,
    sum: &str,
    name: &OsStr,
    algorithm: Algorithm,
    style: &Style,
) -> Result<()> {
    let name = name.as_bytes();
    // A name that would break the line is written with escapes, and a backslash says so.
    let escaped = !style.zero && name.iter().any(|byte| b"\n\r\\".contains(byte));
    let mut shown = Vec::new();
    for &byte in name {
        match byte {
            b'\n' if escaped => shown.extend_from_slice(b"\\n"),
            b'\r' if escaped => shown.extend_from_slice(b"\\r"),
            b'\\' if escaped => shown.extend_from_slice(b"\\\\"),
            _ => shown.push(byte),
        }
    }
    if escaped {
        cx.stdout.put(b"\\")?;
    }
    if style.tag {
        write!(cx.stdout, "{} (", algorithm.name)?;
        cx.stdout.put(&shown)?;
        write!(cx.stdout, ") = {sum}")?;
    } else {
        cx.stdout.put(sum.as_bytes())?;
        cx.stdout.put(if style.binary { b" *" } else { b"  " })?;
        cx.stdout.put(&shown)?;
    }
    cx.stdout.put_byte(if style.zero { 0 } else { b'\n' })
}

/// What became of the lines of a list.
#[derive(Default)]
struct Tally {
    lines: u64,
    mismatched: u64,
    unreadable: u64,
    malformed: u64,
    verified: u64,
}

fn check(
    cx: &mut Context<'_>,
    list: &mut Input<'_>,
    name: &OsStr,
    algorithm: Algorithm,
    style: &Style,
) -> Result<()> {
    let length = (algorithm.new)().output_size() * 2;
    let (mut tally, mut number) = (Tally::default(), 0);
    while let Some(line) = list.line(b'\n').map_err(|error| Error::path(name, error))? {
        number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let Some((expected, file)) = parse(line, length, algorithm.name) else {
            tally.malformed += 1;
            if style.warn {
                let mut text = name.as_bytes().to_vec();
                text.extend_from_slice(
                    format!(": {number}: improperly formatted {} checksum line", algorithm.name)
                        .as_bytes(),
                );
                cx.warn(&Error::Bytes(text));
            }
            continue;
        };
        tally.lines += 1;
        verify(cx, &expected, &file, algorithm, style, &mut tally)?;
    }
    summarise(cx, &tally, name, algorithm, style);
    Ok(())
}

fn verify(
    cx: &mut Context<'_>,
    expected: &str,
    file: &OsStr,
    algorithm: Algorithm,
    style: &Style,
    tally: &mut Tally,
) -> Result<()> {
    let found = cx
        .open(file)
        .and_then(|mut input| sum(&mut input, algorithm).map_err(|error| error.on(file)));
    let verdict: &[u8] = match found {
        Ok(found) if found.eq_ignore_ascii_case(expected) => {
            tally.verified += 1;
            if style.quiet {
                return Ok(());
            }
            b": OK\n"
        }
        Ok(_) => {
            tally.mismatched += 1;
            b": FAILED\n"
        }
        Err(Error::Path { source, .. })
            if style.ignore_missing && source.kind() == std::io::ErrorKind::NotFound =>
        {
            return Ok(());
        }
        Err(error) => {
            cx.warn(&error);
            tally.unreadable += 1;
            b": FAILED open or read\n"
        }
    };
    if !style.status {
        cx.stdout.put(file.as_bytes())?;
        cx.stdout.put(verdict)?;
    }
    Ok(())
}

fn summarise(
    cx: &mut Context<'_>,
    tally: &Tally,
    name: &OsStr,
    algorithm: Algorithm,
    style: &Style,
) {
    let mut about = |text: &str| {
        let mut message = name.as_bytes().to_vec();
        message.extend_from_slice(text.as_bytes());
        cx.report(&Error::Bytes(message));
    };
    if tally.lines == 0 {
        return about(&format!(": no properly formatted {} checksum lines found", algorithm.name));
    }
    if style.ignore_missing && tally.verified == 0 && tally.mismatched == 0 {
        return about(": no file was verified");
    }
    let mut warn = |text: String| {
        if !style.status {
            cx.warn(&Error::message(text));
        }
    };
    if tally.malformed > 0 && (style.warn || style.strict) {
        warn(format!(
            "WARNING: {} of {} lines are improperly formatted",
            tally.malformed,
            tally.malformed + tally.lines
        ));
    }
    if tally.unreadable > 0 {
        warn(format!(
            "WARNING: {} of {} listed files could not be read",
            tally.unreadable, tally.lines
        ));
    }
    if tally.mismatched > 0 {
        warn(format!(
            "WARNING: {} of {} computed checksums did NOT match",
            tally.mismatched, tally.lines
        ));
    }
    cx.failed |= tally.unreadable + tally.mismatched > 0 || style.strict && tally.malformed > 0;
}

/// `SUM  FILE`, `SUM *FILE` or `NAME (FILE) = SUM`; a backslash in front means that the name has
/// escapes.
fn parse(line: &[u8], length: usize, algorithm: &str) -> Option<(String, OsString)> {
    let (line, escaped) = match line.strip_prefix(b"\\") {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let line = line.trim_ascii_start();
    let (sum, file) =
        match line.strip_prefix(algorithm.as_bytes()).and_then(|rest| rest.strip_prefix(b" (")) {
            Some(rest) => {
                let end = memchr::memmem::rfind(rest, b") = ")?;
                (&rest[end + 4..], &rest[..end])
            }
            None => {
                let (sum, rest) = line.split_at_checked(length)?;
                let rest = rest.strip_prefix(b" ")?;
                (sum, rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"*")).unwrap_or(rest))
            }
        };
    if sum.len() != length || !sum.iter().all(u8::is_ascii_hexdigit) || file.is_empty() {
        return None;
    }
    let sum = String::from_utf8_lossy(sum).into_owned();
    if !escaped {
        return Some((sum, OsStr::from_bytes(file).to_owned()));
    }
    let (mut name, mut bytes) = (Vec::new(), file.iter());
    while let Some(&byte) = bytes.next() {
        name.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            other => other,
        });
    }
    Some((sum, OsStr::from_bytes(&name).to_owned()))
}
