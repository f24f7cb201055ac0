//! `gzip`, `gunzip`, `zcat`.

use std::ffi::OsString;

use isobox_applet::{Applet, Context, Input, Place, Result, Spec, Status};

use super::options::{self, Job, Task, Tool};
use super::{Measured, pump, saved};
use crate::codec::{Codec, GzipReader};

const USAGE: &str = "[-cdfklnNqrtv1-9] [-S SUFFIX] [FILE]...\n\n\
    Compress FILEs (or standard input) with gzip, or decompress them\n\n\
    \t-d\tDecompress\n\t-t\tTest that FILEs are intact\n\
    \t-l\tList sizes and names\n\
    \t-c\tWrite to standard output, keep FILEs\n\t-k\tKeep FILEs\n\
    \t-f\tOverwrite files; follow links; let data go to a terminal;\n\
    \t\twith -dc: copy what is not compressed\n\
    \t-n\tNeither remember nor restore name and time\n\
    \t-N\tRemember them (default), restore them\n\
    \t-r\tGo into directories\n\t-S SUFX\tUse this suffix instead of .gz\n\
    \t-1..-9\tEffort (default 6)\n\t-v\tSay what was done\n\t-q\tNo warnings";
/// `gzip`
pub(crate) const GZIP: Applet = Applet::new("gzip", gzip, USAGE).at(Place::Bin);
/// `gunzip`
pub(crate) const GUNZIP: Applet = Applet::new("gunzip", gzip, USAGE).at(Place::Bin);
/// `zcat`
pub(crate) const ZCAT: Applet = Applet::new("zcat", gzip, USAGE).at(Place::Bin);

const TOOL: Tool = Tool {
    codec: Codec::Gzip,
    suffix: ".gz",
    known: &[(".gz", ""), ("-gz", ""), (".tgz", ".tar"), (".taz", ".tar"), (".z", ""), ("-z", "")],
    spec: &Spec::new(
        "cdfklnNqrtvS:123456789",
        &[
            ("stdout", 'c'),
            ("to-stdout", 'c'),
            ("decompress", 'd'),
            ("uncompress", 'd'),
            ("force", 'f'),
            ("keep", 'k'),
            ("list", 'l'),
            ("no-name", 'n'),
            ("name", 'N'),
            ("quiet", 'q'),
            ("recursive", 'r'),
            ("suffix=", 'S'),
            ("test", 't'),
            ("verbose", 'v'),
            ("fast", '1'),
            ("best", '9'),
        ],
    ),
};

fn gzip(cx: &mut Context<'_>) -> Result<Status> {
    let name = cx.applet.name;
    let task = if name == "gzip" { Task::Compress } else { Task::Decompress };
    let cat = name == "zcat";
    options::run(cx, &TOOL, Job { task, stdout: cat, any_format: cat, ..Job::default() })
}

/// `-l`: sizes, counted and not believed, and names.
pub(super) fn list(cx: &mut Context<'_>, tool: &Tool, operands: &[OsString]) -> Result<()> {
    writeln!(cx.stdout, "         compressed        uncompressed  ratio uncompressed_name")?;
    let mut totals = (0, 0);
    cx.each_input(operands, |cx, input, name| {
        let (packed, plain) = sizes(input).map_err(|error| error.on(name))?;
        totals = (totals.0 + packed, totals.1 + plain);
        let shown = super::decompressed_name(name, tool, tool.suffix);
        let shown =
            shown.unwrap_or_else(|| if name == "-" { "stdout".into() } else { name.into() });
        write!(cx.stdout, "{packed:>19} {plain:>19} {:>6} ", saved(plain, packed))?;
        cx.stdout.put(shown.as_encoded_bytes())?;
        cx.stdout.put(b"\n")
    })?;
    if operands.len() > 1 {
        let (packed, plain) = totals;
        let ratio = saved(plain, packed);
        writeln!(cx.stdout, "{packed:>19} {plain:>19} {ratio:>6} (totals)")?;
    }
    Ok(())
}

fn sizes(input: &mut Input<'_>) -> Result<(u64, u64)> {
    let mut source = Measured { input, count: 0 };
    let mut reader = GzipReader::new(&mut source);
    let counting = Job { task: Task::Test, ..Job::default() };
    let plain = pump(&mut reader, &mut std::io::sink(), &counting)?;
    Ok((source.count, plain))
}
