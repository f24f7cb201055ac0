//! `zstd`, `unzstd`, `zstdcat`: files are kept, and levels have up to two digits.

use std::ffi::OsString;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

use super::options::{self, Job, Task, Tool};
use crate::codec::Codec;

const USAGE: &str = "[-cdfkqtv1-19] [--ultra -22] [--fast[=N]] [--rm] [-o FILE] [FILE]...\n\n\
    Compress FILEs (or standard input) with zstd, or decompress them\n\n\
    \t-z\tCompress\n\t-d\tDecompress\n\t-t\tTest that FILEs are intact\n\
    \t-c\tWrite to standard output\n\t-o FILE\tWrite to FILE\n\
    \t-k\tKeep FILEs (default)\n\t--rm\tRemove FILEs when done\n\
    \t-f\tOverwrite files; follow links; let data go to a terminal\n\
    \t-1..-19\tEffort (default 3); up to -22 with --ultra\n\
    \t--fast[=N]\tLess effort than -1\n\
    \t-T N\tThreads: one is used whatever N is\n\
    \t-v\tSay what was done\n\t-q\tNo warnings";
/// `zstd`
pub(crate) const ZSTD: Applet = Applet::new("zstd", zstd, USAGE);
/// `unzstd`
pub(crate) const UNZSTD: Applet = Applet::new("unzstd", zstd, USAGE);
/// `zstdcat`
pub(crate) const ZSTDCAT: Applet = Applet::new("zstdcat", zstd, USAGE);

const TOOL: Tool = Tool {
    codec: Codec::Zstd,
    suffix: ".zst",
    known: &[(".zst", ""), (".tzst", ".tar")],
    spec: &Spec::new(
        "cdfkqtvzo:T:",
        &[
            ("stdout", 'c'),
            ("decompress", 'd'),
            ("uncompress", 'd'),
            ("force", 'f'),
            ("keep", 'k'),
            ("quiet", 'q'),
            ("test", 't'),
            ("verbose", 'v'),
            ("compress", 'z'),
            ("rm", 'R'),
            ("ultra", 'U'),
            ("fast=?", 'L'),
            ("threads=", 'T'),
        ],
    ),
};

fn zstd(cx: &mut Context<'_>) -> Result<Status> {
    let name = cx.applet.name;
    let task = if name == "zstd" { Task::Compress } else { Task::Decompress };
    let mut job = Job { task, stdout: name == "zstdcat", keep: true, ..Job::default() };
    let (level, rest) = split_level(std::mem::take(&mut cx.args))?;
    job.level = level;
    cx.args = rest;
    let mut ultra = false;
    let mut arguments = cx.parse(TOOL.spec);
    while let Some(option) = arguments.next()? {
        match option {
            'c' => job.stdout = true,
            'd' => job.task = Task::Decompress,
            'z' => job.task = Task::Compress,
            't' => job.task = Task::Test,
            'f' => job.force = true,
            'k' => job.keep = true,
            'R' => job.keep = false,
            'q' => job.quiet = true,
            'v' => job.verbose = true,
            'o' => job.output = Some(arguments.value()),
            'U' => ultra = true,
            'T' => {
                isobox_applet::number::unsigned(&arguments.value())?;
            }
            _ => {
                let less = arguments.optional_value();
                let less = less.map_or(Ok(1), |less| isobox_applet::number::unsigned(&less))?;
                job.level = Some(-i32::try_from(less).unwrap_or(i32::MAX));
            }
        }
    }
    let most = if ultra { 22 } else { 19 };
    if job.level.is_some_and(|level| level > most) {
        return Err(Error::message(format!(
            "level {} is more than {most}",
            job.level.unwrap_or_default()
        )));
    }
    let operands = arguments.operands();
    if job.output.is_some() && operands.len() > 1 {
        return Err(Error::message("-o takes one FILE"));
    }
    options::work(cx, &TOOL, &mut job, &operands)
}

/// Takes the level out of the words: `-19`, or digits among other letters.
fn split_level(words: Vec<OsString>) -> Result<(Option<i32>, Vec<OsString>)> {
    let mut level = None;
    let mut rest = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or("");
        if text == "--" {
            rest.push(word);
            rest.extend(words);
            break;
        }
        let takes_value = text.contains(['o', 'T']);
        let is_cluster = text.starts_with('-') && !text.starts_with("--") && !takes_value;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if !is_cluster || digits.is_empty() {
            rest.push(word);
            continue;
        }
        level = Some(digits.parse().map_err(|_| Error::message(format!("invalid level {text}")))?);
        let letters: String = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        if letters != "-" {
            rest.push(letters.into());
        }
    }
    Ok((level, rest))
}
