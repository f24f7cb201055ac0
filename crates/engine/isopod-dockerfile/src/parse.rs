//! From one logical line to one instruction.

use crate::error::{ParseError, Place};
use crate::flags::{self, Flag};
use crate::instruction::{
    Arg, Command, Copy, CopySource, From, Health, Instruction, Kind, Network, Run, Security,
};
use crate::source::{Logical, Source, raw_words};
use crate::values::{command, json_list, list, pairs};
use isopod_base::units::parse_duration;

/// Keywords, for the error about an unknown one.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Parses one instruction that stands alone: a trigger of a base image, or a change to apply.
pub fn parse_instruction(
    origin: &str,
    text: &str,
    escape: char,
) -> Result<Instruction, ParseError> {
    let logical = Logical::alone(text);
    let source = Source::new(origin, text);
    instruction(&source, &logical, escape)
}

/// Parses a logical line.
pub(crate) fn instruction(
    source: &Source<'_>,
    logical: &Logical,
    escape: char,
) -> Result<Instruction, ParseError> {
    let text = logical.text.as_str();
    let word = text.split_whitespace().next().unwrap_or_default();
    let line = Line { source, logical, escape, keyword: word.to_ascii_uppercase() };
    let (flags, rest) = match line.keyword.as_str() {
        "ADD" | "COPY" | "FROM" | "HEALTHCHECK" | "RUN" => flags::split(text, word.len(), escape),
        _ => (Vec::new(), word.len()),
    };
    let kind = line.kind(flags, rest)?;
    Ok(Instruction {
        place: source.place_in(logical, 0),
        lines: logical.lines,
        text: text.to_owned(),
        kind,
    })
}

struct Line<'a> {
    source: &'a Source<'a>,
    logical: &'a Logical,
    escape: char,
    keyword: String,
}

impl Line<'_> {
    fn error(&self, offset: usize, message: impl Into<String>) -> ParseError {
        ParseError::new(self.place(offset), message)
    }

    fn place(&self, offset: usize) -> Place {
        self.source.place_in(self.logical, offset)
    }

    fn kind(&self, flags: Vec<Flag>, rest: usize) -> Result<Kind, ParseError> {
        let text = &self.logical.text;
        let start = rest + (text[rest..].len() - text[rest..].trim_start().len());
        let arguments = text[start..].trim();
        let keyword = self.keyword.as_str();
        if !KEYWORDS.contains(&keyword) {
            return Err(
                self.error(0, format!("unknown instruction: {keyword}{}", nearest(keyword)))
            );
        }
        let one = || {
            if arguments.is_empty() {
                Err(self.error(start, format!("{keyword} requires exactly one argument")))
            } else {
                Ok(arguments.to_owned())
            }
        };
        let wrong = |message: String| self.error(start, message);
        let some = || match arguments {
            "" => Err(self.error(start, format!("{keyword} requires at least one argument"))),
            some => Ok(some),
        };
        Ok(match keyword {
            "FROM" => Kind::From(self.from(flags, start, arguments)?),
            "RUN" => Kind::Run(self.run(flags, start, arguments)?),
            "COPY" => Kind::Copy(self.copy(flags, start, arguments)?),
            "ADD" => Kind::Add(self.copy(flags, start, arguments)?),
            "ENV" => Kind::Env(pairs(some()?, keyword, self.escape).map_err(wrong)?),
            "LABEL" => Kind::Label(pairs(some()?, keyword, self.escape).map_err(wrong)?),
            "ARG" => Kind::Arg(self.args(start, some()?)?),
            "EXPOSE" => Kind::Expose(some()?.split_whitespace().map(str::to_owned).collect()),
            "VOLUME" => Kind::Volume(self.volumes(start, some()?)?),
            "USER" => Kind::User(one()?),
            "WORKDIR" => Kind::Workdir(one()?),
            "STOPSIGNAL" => Kind::StopSignal(one()?),
            "MAINTAINER" => Kind::Maintainer(one()?),
            "CMD" => Kind::Cmd(command(arguments)),
            "ENTRYPOINT" => Kind::Entrypoint(command(arguments)),
            "SHELL" => Kind::Shell(json_list(arguments).filter(|words| !words.is_empty()).ok_or_else(
                || wrong(format!("SHELL requires the arguments to be in JSON form: expected a list of strings, found {arguments:?}")),
            )?),
            "HEALTHCHECK" => Kind::Healthcheck(self.health(flags, start, arguments)?),
            _ => Kind::Onbuild(self.onbuild(start, some()?)?),
        })
    }

    /// Hands each flag to `take`, which says whether it knows it.
    fn flags(
        &self,
        flags: Vec<Flag>,
        known: &[&str],
        mut take: impl FnMut(&str, Option<String>) -> Result<(), String>,
    ) -> Result<(), ParseError> {
        for flag in flags {
            if !known.contains(&flag.name.as_str()) {
                let hint = if known.is_empty() {
                    String::new()
                } else {
                    format!(" ({} takes --{})", self.keyword, known.join(", --"))
                };
                return Err(self.error(flag.offset, format!("unknown flag: --{}{hint}", flag.name)));
            }
            take(&flag.name, flag.value).map_err(|message| {
                self.error(flag.offset, format!("--{}: {message}", flag.name))
            })?;
        }
        Ok(())
    }

    fn from(&self, flags: Vec<Flag>, start: usize, arguments: &str) -> Result<From, ParseError> {
        let mut platform = None;
        self.flags(flags, &["platform"], |_, value| {
            platform = Some(value_of(value)?);
            Ok(())
        })?;
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let (image, name) = match words[..] {
            [image] => (image, None),
            [image, keyword, name] if keyword.eq_ignore_ascii_case("as") => {
                let lower = name.to_ascii_lowercase();
                let mut chars = lower.chars();
                let valid = chars.next().is_some_and(|c| c.is_ascii_lowercase())
                    && chars
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
                if !valid {
                    return Err(self.error(
                        start + arguments.rfind(name).unwrap_or(0),
                        format!("invalid name for build stage: {name:?}, name can't start with a number or contain symbols"),
                    ));
                }
                (image, Some(lower))
            }
            _ => {
                return Err(self.error(
                    start,
                    "FROM requires either one or three arguments: FROM IMAGE [AS NAME]",
                ));
            }
        };
        Ok(From { image: image.to_owned(), platform, name })
    }

    fn run(&self, flags: Vec<Flag>, start: usize, arguments: &str) -> Result<Run, ParseError> {
        let mut run = Run {
            command: command(arguments),
            heredocs: self.logical.heredocs.clone(),
            mounts: Vec::new(),
            network: Network::Default,
            security: Security::Sandbox,
        };
        self.flags(flags, &["mount", "network", "security"], |name, value| {
            let value = value_of(value)?;
            match (name, value.as_str()) {
                ("mount", _) => {
                    // What holds a variable is checked once it is expanded.
                    if !value.contains('$') {
                        crate::parse_mount(&value)?;
                    }
                    run.mounts.push(value);
                }
                ("network", "default") => run.network = Network::Default,
                ("network", "none") => run.network = Network::None,
                ("network", "host") => run.network = Network::Host,
                ("security", "sandbox") => run.security = Security::Sandbox,
                ("security", "insecure") => run.security = Security::Insecure,
                ("network", other) => {
                    return Err(format!(
                        "invalid network mode {other:?}: expected default, none or host"
                    ));
                }
                (_, other) => {
                    return Err(format!(
                        "security {other:?} is not valid: expected sandbox or insecure"
                    ));
                }
            }
            Ok(())
        })?;
        if arguments.is_empty() || run.command == Command::Exec(Vec::new()) {
            return Err(self.error(start, "RUN requires at least one argument"));
        }
        Ok(run)
    }

    fn copy(&self, flags: Vec<Flag>, start: usize, arguments: &str) -> Result<Copy, ParseError> {
        let mut copy = Copy::default();
        let known: &[&str] = if self.keyword == "COPY" {
            &["chmod", "chown", "exclude", "from", "link", "parents"]
        } else {
            &["checksum", "chmod", "chown", "exclude", "keep-git-dir", "link", "unpack"]
        };
        self.flags(flags, known, |name, value| {
            match name {
                "from" => copy.from = Some(value_of(value)?),
                "chown" => copy.chown = Some(value_of(value)?),
                "chmod" => copy.chmod = Some(value_of(value)?),
                "checksum" => copy.checksum = Some(value_of(value)?),
                "exclude" => copy.exclude.push(value_of(value)?),
                "link" => copy.link = switch_of(value)?,
                "parents" => copy.parents = switch_of(value)?,
                "unpack" => copy.unpack = Some(switch_of(value)?),
                _ => copy.keep_git_dir = switch_of(value)?,
            }
            Ok(())
        })?;
        let mut words = match json_list(arguments) {
            Some(words) => words,
            None => raw_words(arguments, self.escape),
        };
        let Some(destination) = words.pop().filter(|_| !words.is_empty()) else {
            return Err(self.error(
                start,
                format!(
                    "{} requires at least two arguments: sources and a destination",
                    self.keyword
                ),
            ));
        };
        copy.destination = destination;
        let mut heredocs = self.logical.heredocs.iter();
        for word in words {
            let inline = word.contains("<<") && is_heredoc(&word);
            match inline.then(|| heredocs.next()).flatten() {
                Some(heredoc) => copy.sources.push(CopySource::Inline(heredoc.clone())),
                None => copy.sources.push(CopySource::Path(word)),
            }
        }
        if heredocs.next().is_some() {
            return Err(self.error(start, "a here-document cannot be the destination"));
        }
        Ok(copy)
    }

    fn args(&self, start: usize, arguments: &str) -> Result<Vec<Arg>, ParseError> {
        raw_words(arguments, self.escape)
            .into_iter()
            .map(|word| {
                let (name, default) = match word.split_once('=') {
                    Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                    None => (word, None),
                };
                let plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
                if name.is_empty() || !name.chars().all(plain) {
                    return Err(self.error(start, format!("ARG names can not be blank or hold anything but letters, digits, '_', '-' and '.': found {name:?}")));
                }
                Ok(Arg { name, default })
            })
            .collect()
    }

    fn volumes(&self, start: usize, arguments: &str) -> Result<Vec<String>, ParseError> {
        let paths = list(arguments);
        if paths.is_empty() {
            return Err(self.error(start, "VOLUME requires at least one argument"));
        }
        if paths.iter().any(|path| path.trim().is_empty()) {
            return Err(self.error(start, "VOLUME specified can not be an empty string"));
        }
        Ok(paths)
    }

    fn health(
        &self,
        flags: Vec<Flag>,
        start: usize,
        arguments: &str,
    ) -> Result<Health, ParseError> {
        let mut health = Health {
            command: None,
            interval_ns: None,
            timeout_ns: None,
            start_period_ns: None,
            start_interval_ns: None,
            retries: None,
        };
        let known = ["interval", "timeout", "start-period", "start-interval", "retries"];
        let flagged = !flags.is_empty();
        self.flags(flags, &known, |name, value| {
            let value = value_of(value)?;
            if name == "retries" {
                let retries: i64 = value.parse().map_err(|_| format!("{value:?} is no number"))?;
                if retries < 0 {
                    return Err(format!("must be at least 1 (not {retries})"));
                }
                health.retries = Some(retries);
                return Ok(());
            }
            let time = parse_duration(&value).map_err(|error| error.to_string())?;
            let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
            if nanos != 0 && nanos < 1_000_000 {
                return Err(format!("interval {value:?} cannot be less than 1ms"));
            }
            match name {
                "interval" => health.interval_ns = Some(nanos),
                "timeout" => health.timeout_ns = Some(nanos),
                "start-period" => health.start_period_ns = Some(nanos),
                _ => health.start_interval_ns = Some(nanos),
            }
            Ok(())
        })?;
        let (kind, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
        match kind.to_ascii_uppercase().as_str() {
            "NONE" if !rest.trim().is_empty() => {
                Err(self.error(start, "HEALTHCHECK NONE takes no arguments"))
            }
            "NONE" if flagged => Err(self.error(start, "HEALTHCHECK NONE takes no flags")),
            "NONE" => Ok(health),
            "CMD" => {
                let check = command(rest);
                if rest.trim().is_empty() || check == Command::Exec(Vec::new()) {
                    return Err(self.error(start, "missing command after HEALTHCHECK CMD"));
                }
                health.command = Some(check);
                Ok(health)
            }
            "" => Err(self.error(start, "HEALTHCHECK requires at least one argument: CMD or NONE")),
            other => {
                Err(self.error(start, format!("unknown type {other:?} in HEALTHCHECK (try CMD)")))
            }
        }
    }

    fn onbuild(&self, start: usize, trigger: &str) -> Result<String, ParseError> {
        let word = trigger.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "ONBUILD" => {
                return Err(
                    self.error(start, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
                );
            }
            "FROM" | "MAINTAINER" => {
                return Err(
                    self.error(start, format!("{word} isn't allowed as an ONBUILD trigger"))
                );
            }
            _ => {}
        }
        // A trigger that could never run is told now, at its place.
        let mut alone = Logical::alone(trigger);
        alone.heredocs.clone_from(&self.logical.heredocs);
        instruction(&Source::new(self.source.file, trigger), &alone, self.escape).map_err(
            |error| self.error(start + error.place.column.saturating_sub(1), error.message),
        )?;
        if self.logical.heredocs.is_empty() {
            return Ok(trigger.to_owned());
        }
        let mut text = trigger.to_owned();
        for heredoc in &self.logical.heredocs {
            text.push('\n');
            text.push_str(&heredoc.content);
            text.push_str(&heredoc.name);
        }
        Ok(text)
    }
}

fn is_heredoc(word: &str) -> bool {
    word.split_once("<<").is_some_and(|(before, name)| {
        before.bytes().all(|byte| byte.is_ascii_digit())
            && !name.contains('<')
            && !name.trim_start_matches('-').trim_matches(['"', '\'']).is_empty()
    })
}

fn value_of(value: Option<String>) -> Result<String, String> {
    value.ok_or_else(|| "missing a value, expected --flag=value".to_owned())
}

fn switch_of(value: Option<String>) -> Result<bool, String> {
    match value.as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(format!("expected true or false, found {other:?}")),
    }
}

/// `; did you mean COPY?` for a keyword that is nearly one.
fn nearest(keyword: &str) -> String {
    let close = KEYWORDS.iter().map(|known| (distance(keyword, known), known)).min();
    match close {
        Some((distance, known)) if distance <= 2 => format!(" (did you mean {known}?)"),
        _ => String::new(),
    }
}

/// How many characters differ, bounded since keywords are short.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 24 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
