//! `uname`, `arch`, `hostname`: what the machine is and what it is called.

use std::ffi::CStr;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};

/// `uname`
pub(crate) const UNAME: Applet = Applet::new(
    "uname",
    uname,
    "[-amnrspvio]\n\nShow what the system is\n\n\
    \t-a\tAll\n\t-m\tThe machine\n\t-n\tIts name\n\t-r\tThe kernel's release\n\
    \t-s\tThe kernel's name (default)\n\t-v\tThe kernel's version\n\
    \t-p\tThe processor\n\t-i\tThe platform\n\t-o\tThe operating system",
)
.at(Place::Bin)
.in_process();
/// `arch`
pub(crate) const ARCH: Applet =
    Applet::new("arch", arch, "\n\nShow what machine this is").at(Place::Bin).in_process();

const UNAME_SPEC: Spec = Spec::new(
    "amnrspvio",
    &[
        ("all", 'a'),
        ("machine", 'm'),
        ("nodename", 'n'),
        ("kernel-release", 'r'),
        ("kernel-name", 's'),
        ("processor", 'p'),
        ("kernel-version", 'v'),
        ("hardware-platform", 'i'),
        ("operating-system", 'o'),
    ],
);
const NONE: Spec = Spec::new("", &[]);

fn text(field: &CStr) -> String {
    field.to_string_lossy().into_owned()
}

fn uname(cx: &mut Context<'_>) -> Result<Status> {
    let mut wanted = String::new();
    let mut arguments = cx.parse(&UNAME_SPEC);
    while let Some(option) = arguments.next()? {
        wanted.push(option);
    }
    arguments.operands_between(0, 0)?;
    if wanted.is_empty() {
        wanted.push('s');
    }
    let all = wanted.contains('a');
    let system = rustix::system::uname();
    let unknown = || "unknown".to_owned();
    let fields = [
        ('s', text(system.sysname())),
        ('n', text(system.nodename())),
        ('r', text(system.release())),
        ('v', text(system.version())),
        ('m', text(system.machine())),
        ('p', unknown()),
        ('i', unknown()),
        ('o', "GNU/Linux".to_owned()),
    ];
    let shown: Vec<String> = fields
        .into_iter()
        // What is not known is left out where all is asked for.
        .filter(|(letter, value)| wanted.contains(*letter) || all && value != "unknown")
        .map(|(_, value)| value)
        .collect();
    writeln!(cx.stdout, "{}", shown.join(" "))?;
    Ok(Status::SUCCESS)
}

fn arch(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    arguments.operands_between(0, 0)?;
    writeln!(cx.stdout, "{}", text(rustix::system::uname().machine()))?;
    Ok(Status::SUCCESS)
}

/// `hostname`
pub(crate) const HOSTNAME: Applet = Applet::new(
    "hostname",
    hostname,
    "[-sd] [-F FILE | NAME]\n\nShow or set the name of the machine\n\n\
    \t-s\tUp to the first dot\n\t-d\tAfter it\n\t-F FILE\tSet it to what is in FILE",
)
.at(Place::Bin);

const HOSTNAME_SPEC: Spec = Spec::new("sdF:", &[("short", 's'), ("domain", 'd'), ("file=", 'F')]);

fn hostname(cx: &mut Context<'_>) -> Result<Status> {
    let (mut part, mut new) = (None, None);
    let mut arguments = cx.parse(&HOSTNAME_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'F' => {
                let file = arguments.value();
                let mut bytes = Vec::new();
                let mut input = cx.open(&file)?;
                input.read_to_end(&mut bytes).map_err(|error| Error::path(&file, error))?;
                let content = String::from_utf8_lossy(&bytes);
                let mut lines = content.lines().map(str::trim);
                let name = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
                let none = || Error::about("no name in", &file);
                new = Some(name.ok_or_else(none)?.to_owned());
            }
            option => part = Some(option),
        }
    }
    let operands = arguments.operands_between(0, 1)?;
    if let Some(name) = operands.first() {
        new = Some(name.to_string_lossy().into_owned());
    }
    if let Some(name) = new {
        rustix::system::sethostname(name.as_bytes())
            .map_err(|errno| Error::doing("can't set the name to", &name, errno))?;
        return Ok(Status::SUCCESS);
    }
    let name = text(rustix::system::uname().nodename());
    let (short, domain) = name.split_once('.').unwrap_or((&name, ""));
    let shown = match part {
        Some('s') => short,
        Some(_) => domain,
        None => &name,
    };
    writeln!(cx.stdout, "{shown}")?;
    Ok(Status::SUCCESS)
}
