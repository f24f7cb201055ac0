//! What the binary itself does: finds the applet, lists all of them, installs links to them.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use isobox_applet::{
    Applet, Context, Error, Output, Place, ProcessVariables, Registry, Result, Status, banner,
};

const USAGE: &str = "[FUNCTION [ARGUMENT]...]\n   \
     or: isobox --list[-full]\n   \
     or: isobox --install [-s] [DIR]\n   \
     or: FUNCTION [ARGUMENT]...";

/// The binary under its own names.
pub(crate) static APPLETS: &[Applet] = &[
    Applet::new("isobox", isobox, USAGE).at(Place::Bin).with_own_help(),
    Applet::new("busybox", isobox, USAGE).at(Place::Bin).with_own_help(),
];

/// Runs what the name in `words` means, or their second word; returns the exit status.
pub(crate) fn main(registry: Registry, mut words: impl Iterator<Item = OsString>) -> u8 {
    // A reader that goes away ends a filter quietly, as it does everywhere else on Unix.
    isopod_sys::signals::default_on_broken_pipe();
    let called = words.next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default();
    // A login shell's name begins with a minus sign.
    let name = name.as_encoded_bytes().strip_prefix(b"-").map_or(name, |_| OsStr::new("sh"));
    let applet = registry.find(name).or_else(|| {
        // `isobox.old` and the like are still the binary itself.
        let own = ["isobox", "busybox"];
        let own = own.iter().find(|own| name.as_encoded_bytes().starts_with(own.as_bytes()));
        own.and_then(|own| registry.find(OsStr::new(own)))
    });
    let Some(applet) = applet else {
        return missing(name);
    };
    let variables = ProcessVariables;
    // Writing to a file that is open for reading fails as writing to no file does.
    let closed = isopod_sys::standard_streams::stdout_was_closed()
        .then(|| open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok())
        .flatten();
    let stdout = closed.as_ref().map_or(rustix::stdio::stdout(), |closed| closed.as_fd());
    let mut cx = Context {
        applet,
        args: words.collect(),
        stdin: rustix::stdio::stdin(),
        stdout: Output::new(stdout),
        stderr: rustix::stdio::stderr(),
        variables: &variables,
        dir: rustix::fs::CWD,
        registry,
        failed: false,
    };
    applet.run(&mut cx)
}

fn missing(name: &OsStr) -> u8 {
    let mut text = name.as_encoded_bytes().to_vec();
    text.extend_from_slice(b": applet not found\n");
    isobox_applet::write_all(rustix::stdio::stderr(), &text).ok();
    127
}

fn isobox(cx: &mut Context<'_>) -> Result<Status> {
    let mut words = std::mem::take(&mut cx.args).into_iter();
    let Some(first) = words.next() else {
        return overview(cx);
    };
    match first.to_str() {
        Some("--list") => list(cx, false),
        Some("--list-full") => list(cx, true),
        Some("--install") => install(cx, words.collect()),
        Some("--help") => match words.next() {
            None => overview(cx),
            Some(name) => help(cx, &name),
        },
        _ => {
            let Some(applet) = cx.registry.find(&first) else {
                return Err(Error::Silent(missing(&first)));
            };
            cx.args = words.collect();
            Ok(Status(applet.run(cx)))
        }
    }
}

fn help(cx: &mut Context<'_>, name: &OsStr) -> Result<Status> {
    match cx.registry.find(name) {
        Some(applet) => {
            cx.stdout.put(applet.usage_text().as_bytes())?;
            Ok(Status::SUCCESS)
        }
        None => Err(Error::Silent(missing(name))),
    }
}

/// What is printed when there is nothing to do.
fn overview(cx: &mut Context<'_>) -> Result<Status> {
    write!(
        cx.stdout,
        "{}Licensed under Apache-2.0. Part of isopod.\n\n\
         Usage: isobox {USAGE}\n\n\
         \tisobox holds many common Unix commands in one executable.\n\
         \tIt does what the name means by which it is called: make a link to\n\
         \tit for every function, or give the function's name first.\n\n\
         Currently defined functions:\n",
        banner()
    )?;
    let mut column = 0;
    for applet in cx.registry.sorted() {
        let width = applet.name.len() + 2;
        if column == 0 {
            cx.stdout.put(b"\t")?;
            column = 6;
        } else if column + width > 78 {
            cx.stdout.put(b",\n\t")?;
            column = 6;
        } else {
            cx.stdout.put(b", ")?;
        }
        cx.stdout.put(applet.name.as_bytes())?;
        column += width;
    }
    cx.stdout.put(b"\n\n")?;
    Ok(Status::SUCCESS)
}

fn list(cx: &mut Context<'_>, full: bool) -> Result<Status> {
    for applet in cx.registry.sorted() {
        if full {
            write!(cx.stdout, "{}/", applet.place.directory())?;
        }
        writeln!(cx.stdout, "{}", applet.name)?;
    }
    Ok(Status::SUCCESS)
}

/// `--install [-s] [DIR]`: hard or symbolic links to this binary, in DIR or where each belongs.
fn install(cx: &mut Context<'_>, mut words: Vec<OsString>) -> Result<Status> {
    let symbolic = words.first().is_some_and(|word| word == "-s");
    if symbolic {
        words.remove(0);
    }
    if words.len() > 1 {
        return Err(Error::usage("--install takes one directory"));
    }
    let binary = std::fs::read_link("/proc/self/exe")
        .map_err(|error| Error::path("/proc/self/exe", error))?;
    for applet in cx.registry.sorted() {
        let link = match words.first() {
            Some(directory) => Path::new(directory).join(applet.name),
            None => PathBuf::from("/").join(applet.place.directory()).join(applet.name),
        };
        if link == binary {
            continue;
        }
        let outcome = if symbolic {
            rustix::fs::symlinkat(&binary, cx.dir, &link)
        } else {
            rustix::fs::linkat(
                rustix::fs::CWD,
                &binary,
                cx.dir,
                &link,
                rustix::fs::AtFlags::empty(),
            )
        };
        if let Err(errno) = outcome {
            cx.report(&Error::path(&link, errno));
        }
    }
    Ok(cx.status())
}
