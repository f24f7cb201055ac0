//! `patch`: applies what `diff` found to files.

mod apply;
mod parse;
mod target;

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};
use rustix::fs::{Mode, OFlags};

use apply::Applied;
use parse::{FilePatch, Parser};
use target::Target;

/// See the usage text.
pub(crate) const PATCH: Applet = Applet::new(
    "patch",
    patch,
    "[-RNEbls] [-p N] [-F N] [-i DIFF] [-d DIR] [-o FILE] [-r FILE] [--dry-run]\n\
     \t[ORIGFILE [PATCHFILE]]\n\n\
     Apply a unified, context or normal diff\n\n\
     \t-p N\tStrip N leading components from file names\n\
     \t-i DIFF\tRead DIFF instead of stdin\n\
     \t-d DIR\tWork in DIR\n\
     \t-R\tReverse patch\n\
     \t-N\tIgnore already applied patches\n\
     \t-E\tRemove output files if they become empty\n\
     \t-F N\tLines of context that may be wrong on each side (2)\n\
     \t-l\tRuns of blanks match each other\n\
     \t-b\tKeep the old file as FILE.orig\n\
     \t-o FILE\tWrite the result to FILE\n\
     \t-r FILE\tWrite what does not apply to FILE instead of to FILE.rej\n\
     \t-s\tSay nothing but errors\n\
     \t--dry-run\tDon't change files",
);

const OPTIONS: Spec = Spec::new(
    "p:i:d:RNEF:lbo:r:sucnf",
    &[
        ("strip=", 'p'),
        ("input=", 'i'),
        ("directory=", 'd'),
        ("reverse", 'R'),
        ("forward", 'N'),
        ("remove-empty-files", 'E'),
        ("fuzz=", 'F'),
        ("ignore-whitespace", 'l'),
        ("backup", 'b'),
        ("output=", 'o'),
        ("reject-file=", 'r'),
        ("quiet", 's'),
        ("silent", 's'),
        ("unified", 'u'),
        ("context", 'c'),
        ("normal", 'n'),
        ("force", 'f'),
        ("dry-run", 'D'),
    ],
);

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Components to take off names; without it all but the last.
    strip: Option<usize>,
    reverse: bool,
    forward: bool,
    remove_empty: bool,
    fuzz: usize,
    ignore_blanks: bool,
    backup: bool,
    output: Option<OsString>,
    reject: Option<OsString>,
    quiet: bool,
    dry_run: bool,
}

fn patch(cx: &mut Context<'_>) -> Result<Status> {
    let mut settings = Settings {
        strip: None,
        reverse: false,
        forward: false,
        remove_empty: false,
        fuzz: 2,
        ignore_blanks: false,
        backup: false,
        output: None,
        reject: None,
        quiet: false,
        dry_run: false,
    };
    let (mut input, mut directory) = (None, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        let mut count = || {
            let number = isobox_applet::number::unsigned(&arguments.value())?;
            Ok::<_, Error>(usize::try_from(number).unwrap_or(usize::MAX))
        };
        match option {
            'p' => settings.strip = Some(count()?),
            'F' => settings.fuzz = count()?,
            'i' => input = Some(arguments.value()),
            'd' => directory = Some(arguments.value()),
            'R' => settings.reverse = true,
            'N' => settings.forward = true,
            'E' => settings.remove_empty = true,
            'l' => settings.ignore_blanks = true,
            'b' => settings.backup = true,
            'o' => settings.output = Some(arguments.value()),
            'r' => settings.reject = Some(arguments.value()),
            's' => settings.quiet = true,
            'D' => settings.dry_run = true,
            // The format shows itself, and questions are never asked.
            'u' | 'c' | 'n' | 'f' => {}
            _ => unreachable!("not in the table of options"),
        }
    }
    let mut operands = arguments.operands_between(0, 2)?.into_iter();
    let file = operands.next();
    let input = operands.next().or(input).unwrap_or_else(|| "-".into());
    let mut text = Vec::new();
    let mut source = cx.open(&input)?;
    source.read_to_end(&mut text).map_err(|error| Error::path(&input, error))?;
    let opened = match &directory {
        Some(directory) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            Some(cx.open_with(directory, flags, Mode::empty())?)
        }
        None => None,
    };
    let outer = cx.dir;
    let mut work = Work { settings: &settings, failed: false };
    match &opened {
        Some(directory) => work.all(cx, directory.as_fd(), &text, file.as_deref())?,
        None => work.all(cx, outer, &text, file.as_deref())?,
    }
    Ok(Status::failed_if(work.failed || cx.failed))
}

struct Work<'s> {
    settings: &'s Settings,
    failed: bool,
}

impl Work<'_> {
    fn all(
        &mut self,
        cx: &mut Context<'_>,
        directory: std::os::fd::BorrowedFd<'_>,
        text: &[u8],
        operand: Option<&OsStr>,
    ) -> Result<()> {
        let mut parser = Parser::new(text);
        let mut any = false;
        while let Some(mut patch) = parser.next_file()? {
            any = true;
            if self.settings.reverse {
                patch.reverse();
            }
            let outcome = self.one(cx, directory, &patch, operand);
            self.failed |= cx.attempt(outcome)?.is_none();
        }
        if !any && !text.trim_ascii().is_empty() {
            return Err(Error::Status(
                "only garbage was found in the patch input: expected a unified, context or normal diff"
                    .into(),
                2,
            ));
        }
        Ok(())
    }

    fn one(
        &mut self,
        cx: &mut Context<'_>,
        directory: std::os::fd::BorrowedFd<'_>,
        patch: &FilePatch,
        operand: Option<&OsStr>,
    ) -> Result<()> {
        let settings = self.settings;
        let target = Target::find(directory, patch, operand, settings.strip)?;
        let old = target.read()?;
        let applied = apply::apply(&old, &patch.hunks, settings);
        self.tell(cx, &target, patch, &applied)?;
        if !applied.rejected.is_empty() {
            self.failed = true;
        }
        if settings.dry_run {
            return Ok(());
        }
        if !applied.rejected.is_empty() {
            let rejected = parse::unified(patch, &applied.rejected);
            target.write_reject(cx, settings.reject.as_deref(), &rejected)?;
        }
        let whole = applied.rejected.is_empty();
        if settings.backup || !applied.exact {
            target.back_up(&old)?;
        }
        let removes =
            whole && applied.text.is_empty() && (patch.deletes() || settings.remove_empty);
        match &settings.output {
            Some(output) => target.write_output(cx, output, &applied.text),
            None if removes => target.remove(),
            None => target.write(&applied.text, patch),
        }
    }

    /// Says what was done; what does not apply is said on standard error.
    fn tell(
        &self,
        cx: &mut Context<'_>,
        target: &Target<'_>,
        patch: &FilePatch,
        applied: &Applied,
    ) -> Result<()> {
        let settings = self.settings;
        if !settings.quiet {
            let verb = match (settings.dry_run, target.exists()) {
                (true, _) => "checking",
                (false, false) => "creating",
                (false, true) if patch.deletes() && applied.text.is_empty() => "removing",
                (false, true) => "patching",
            };
            let file = if verb == "creating" || verb == "removing" { "" } else { "file " };
            writeln!(cx.stdout, "{verb} {file}{}", target.name().display())?;
            applied.notes.iter().try_for_each(|note| cx.stdout.put(note.as_bytes()))?;
        }
        cx.stdout.flush()?;
        let errors = applied.messages.concat();
        isobox_applet::write_all(cx.stderr, errors.as_bytes()).map_err(Error::Output)
    }
}

/// Reads a patch to its end.
pub(crate) fn check(text: &[u8]) -> Result<()> {
    let mut parser = Parser::new(text);
    while parser.next_file()?.is_some() {}
    Ok(())
}
