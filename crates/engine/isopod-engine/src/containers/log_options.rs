//! Log drivers and their options: read once, when a container is created, and turned into what
//! its supervisor does, when it is started.

use super::Record;
use crate::error::{Error, Result};
use crate::{Engine, LogConfig};
use isopod_base::units::{parse_bytes, parse_duration};
use isopod_supervisor::{LogFormat, OutletConfig, OutletKind, SyslogAddress, SyslogFormat};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where the journal of systemd takes messages.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// What `json-file` keeps of a log that nobody gave a size: docker keeps all, until the disk is
/// full. `max-size=-1` does so here.
const JSON_SIZE_BYTES: u64 = 100 << 20;
const JSON_FILES: u32 = 5;

/// Defaults of the `local` driver, and of the copies that other drivers keep for reading.
const LOCAL_SIZE_BYTES: u64 = 20 << 20;
const LOCAL_FILES: u32 = 5;

/// How much a non-blocking log holds in memory.
const BUFFER_BYTES: u64 = 1 << 20;

const FILE_OPTIONS: [&str; 3] = ["max-size", "max-file", "compress"];
const ATTRIBUTE_OPTIONS: [&str; 5] = ["labels", "labels-regex", "env", "env-regex", "tag"];
const SYSLOG_OPTIONS: [&str; 3] = ["syslog-address", "syslog-facility", "syslog-format"];
const CACHE_OPTIONS: [&str; 4] =
    ["cache-disabled", "cache-max-size", "cache-max-file", "cache-compress"];

/// The drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    JsonFile,
    Local,
    Journald,
    Syslog,
    None,
}

impl Driver {
    /// Their names, as information about the engine has them.
    pub(crate) const NAMES: [&'static str; 5] =
        ["journald", "json-file", "local", "none", "syslog"];

    fn name(self) -> &'static str {
        match self {
            Self::JsonFile => "json-file",
            Self::Local => "local",
            Self::Journald => "journald",
            Self::Syslog => "syslog",
            Self::None => "none",
        }
    }

    fn takes(self, option: &str) -> bool {
        let any = |groups: &[&[&str]]| groups.iter().any(|group| group.contains(&option));
        match self {
            Self::JsonFile | Self::Local => any(&[&FILE_OPTIONS, &ATTRIBUTE_OPTIONS, &["max-age"]]),
            Self::Journald => any(&[&ATTRIBUTE_OPTIONS, &CACHE_OPTIONS]),
            Self::Syslog => any(&[&SYSLOG_OPTIONS, &ATTRIBUTE_OPTIONS, &CACHE_OPTIONS]),
            Self::None => false,
        }
    }

    fn unknown(self, option: &str) -> Error {
        if self == Self::Syslog && option.starts_with("syslog-tls") {
            return Error::invalid(format_args!(
                "{option} is not supported: syslog over TLS needs a relay"
            ));
        }
        let name = self.name();
        Error::invalid(match self {
            Self::Local => format!("unknown log opt '{option}' for log driver local"),
            _ => format!("unknown log opt '{option}' for {name} log driver"),
        })
    }
}

impl FromStr for Driver {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::JsonFile, Self::Local, Self::Journald, Self::Syslog, Self::None]
            .into_iter()
            .find(|driver| driver.name() == name)
            .ok_or_else(|| {
                Error::invalid(format_args!("logger: no log driver named '{name}' is registered"))
            })
    }
}

/// What the options come to, whatever the container.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) driver: Driver,
    /// Whether there is a file that can be read.
    pub(crate) format: Option<LogFormat>,
    max_size_bytes: u64,
    max_files: u32,
    compress: bool,
    max_age_s: u64,
    buffer_bytes: Option<u64>,
    tag: String,
}

impl Settings {
    /// Reads and checks them.
    pub(crate) fn read(log: &LogConfig) -> Result<Self> {
        let driver: Driver = log.driver.parse()?;
        let common = ["mode", "max-buffer-size"];
        let known = |key: &str| common.contains(&key) || driver.takes(key);
        if let Some(unknown) = log.options.keys().find(|key| !known(key)) {
            return Err(driver.unknown(unknown));
        }
        let options = Options(&log.options);
        let is_cache = matches!(driver, Driver::Journald | Driver::Syslog);
        let name =
            |plain: &'static str, cached: &'static str| if is_cache { cached } else { plain };
        let local = driver != Driver::JsonFile;
        let max_size_bytes = match options.get(name("max-size", "cache-max-size")) {
            Some("-1") => 0,
            Some(text) => options.size(name("max-size", "cache-max-size"), text)?,
            None if local => LOCAL_SIZE_BYTES,
            None => JSON_SIZE_BYTES,
        };
        let is_bounded = options.get("max-size").is_some_and(|size| size != "-1");
        let files = match (local, options.get("max-size")) {
            (true, _) => LOCAL_FILES,
            (false, None) => JSON_FILES,
            (false, Some(_)) => 1,
        };
        let max_files = options.files(name("max-file", "cache-max-file"))?;
        if max_files.is_some_and(|files| files > 1) && !is_bounded && !local {
            return Err(Error::invalid("max-file option requires max-size to be set"));
        }
        let max_files = max_files.unwrap_or(files);
        let compress = options.switch(name("compress", "cache-compress"))?;
        if compress == Some(true) && !local && (!is_bounded || max_files == 1) {
            return Err(Error::invalid(
                "compress cannot be true when max-file is less than 2 or max-size is not set",
            ));
        }
        let settings = Self {
            driver,
            format: match driver {
                Driver::JsonFile => Some(LogFormat::Json),
                Driver::Local => Some(LogFormat::Local),
                Driver::None => None,
                _ if options.switch("cache-disabled")? == Some(true) => None,
                _ => Some(LogFormat::Local),
            },
            max_size_bytes,
            max_files,
            compress: compress.unwrap_or(local || options.get("max-size").is_none()),
            max_age_s: options.age()?,
            buffer_bytes: options.buffer()?,
            tag: options.get("tag").unwrap_or(if is_cache { "{{.ID}}" } else { "" }).to_owned(),
        };
        options.check_patterns()?;
        tag(&settings.tag, &Record::default())?;
        if driver == Driver::Syslog {
            syslog(&options, String::new())?;
        }
        Ok(settings)
    }
}

/// Options with the errors of those that are wrong.
struct Options<'a>(&'a BTreeMap<String, String>);

impl Options<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn invalid(&self, key: &str, why: impl std::fmt::Display) -> Error {
        let value = self.get(key).unwrap_or_default();
        Error::invalid(format_args!("invalid value for log option {key}: {value:?}: {why}"))
    }

    fn size(&self, key: &str, text: &str) -> Result<u64> {
        match parse_bytes(text) {
            Ok(0) => Err(self.invalid(key, "expected a size above zero")),
            Ok(size) => Ok(size),
            Err(error) => Err(self.invalid(key, error)),
        }
    }

    fn files(&self, key: &str) -> Result<Option<u32>> {
        match self.get(key).map(str::parse) {
            None => Ok(None),
            Some(Ok(0)) => Err(Error::invalid("max-file cannot be less than 1")),
            Some(Ok(files)) if files > 1000 => Err(self.invalid(key, "expected at most 1000")),
            Some(Ok(files)) => Ok(Some(files)),
            Some(Err(error)) => Err(self.invalid(key, error)),
        }
    }

    fn switch(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some("true" | "1" | "t" | "True" | "TRUE" | "T") => Ok(Some(true)),
            Some("false" | "0" | "f" | "False" | "FALSE" | "F") => Ok(Some(false)),
            Some(_) => Err(self.invalid(key, "expected true or false")),
        }
    }

    fn age(&self) -> Result<u64> {
        let Some(text) = self.get("max-age") else { return Ok(0) };
        // Go's durations end with hours; logs are kept for days.
        let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        let seconds = match days {
            Some(days) => u64::from(days) * 86_400,
            None => parse_duration(text).map_err(|error| self.invalid("max-age", error))?.as_secs(),
        };
        if seconds == 0 {
            return Err(self.invalid("max-age", "expected a duration of a second or more"));
        }
        Ok(seconds)
    }

    fn buffer(&self) -> Result<Option<u64>> {
        let size = self.get("max-buffer-size");
        match self.get("mode") {
            None | Some("" | "blocking") if size.is_some() => Err(Error::invalid(
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
            )),
            None | Some("" | "blocking") => Ok(None),
            Some("non-blocking") => match size {
                Some(text) => self.size("max-buffer-size", text).map(Some),
                None => Ok(Some(BUFFER_BYTES)),
            },
            Some(other) => {
                Err(Error::invalid(format_args!("logger: logging mode not supported: {other}")))
            }
        }
    }

    fn check_patterns(&self) -> Result<()> {
        for key in ["labels-regex", "env-regex"] {
            if let Some(pattern) = self.get(key) {
                crate::pattern::read(key, pattern)?;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Where a container's log is; empty when its driver keeps none.
    pub(crate) fn log_path(&self, record: &Record) -> PathBuf {
        let directory = self.data_dir(&record.id);
        match Settings::read(&record.host.log).ok().and_then(|settings| settings.format) {
            Some(LogFormat::Json) => directory.join(format!("{}-json.log", record.id)),
            Some(LogFormat::Local) => directory.join("local-logs").join("container.log"),
            None => PathBuf::new(),
        }
    }

    /// What a container's supervisor is to do with what it prints.
    pub(crate) fn log_plan(&self, record: &Record) -> Result<Option<isopod_supervisor::LogConfig>> {
        let settings = Settings::read(&record.host.log)?;
        let outlet = self.outlet(record, &settings)?;
        let path = self.log_path(record);
        if path.as_os_str().is_empty() && outlet.is_none() {
            return Ok(None);
        }
        if let Some(directory) = path.parent().filter(|_| settings.format == Some(LogFormat::Local))
        {
            crate::engine::make_directory(directory, 0o710)?;
        }
        let has_attributes = matches!(settings.driver, Driver::JsonFile | Driver::Local);
        Ok(Some(isopod_supervisor::LogConfig {
            path,
            format: settings.format.unwrap_or_default(),
            max_size_bytes: settings.max_size_bytes,
            max_files: settings.max_files,
            compress: settings.compress,
            max_age_s: settings.max_age_s,
            attributes: if has_attributes {
                attributes(record, &settings)?
            } else {
                BTreeMap::new()
            },
            outlet,
        }))
    }

    fn outlet(&self, record: &Record, settings: &Settings) -> Result<Option<OutletConfig>> {
        let options = Options(&record.host.log.options);
        let kind = match settings.driver {
            Driver::Journald => journal(record, settings)?,
            Driver::Syslog => syslog(&options, tag(&settings.tag, record)?)?,
            _ => return Ok(None),
        };
        kind.check().map_err(|error| {
            Error::internal(format_args!(
                "failed to initialize logging driver: {} cannot be reached",
                settings.driver.name()
            ))
            .because(error)
        })?;
        Ok(Some(OutletConfig { kind, buffer_bytes: settings.buffer_bytes }))
    }
}

fn journal(record: &Record, settings: &Settings) -> Result<OutletKind> {
    let tag = tag(&settings.tag, record)?;
    let mut fields: Vec<(String, String)> = [
        ("CONTAINER_ID", record.id[..12].to_owned()),
        ("CONTAINER_ID_FULL", record.id.clone()),
        ("CONTAINER_NAME", record.name.clone()),
        ("CONTAINER_TAG", tag.clone()),
        ("IMAGE_NAME", record.config.image.clone()),
        ("SYSLOG_IDENTIFIER", tag),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec();
    for (key, value) in attributes(record, settings)? {
        // Names of fields: capitals, digits, underscores, no underscore first.
        let name: String = key
            .to_ascii_uppercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        fields.push((name.trim_start_matches('_').to_owned(), value));
    }
    Ok(OutletKind::Journal { socket: JOURNAL.into(), fields })
}

fn syslog(options: &Options<'_>, tag: String) -> Result<OutletKind> {
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Ok(OutletKind::Syslog {
        address: address(options)?,
        facility: facility(options)?,
        format: match options.get("syslog-format") {
            None | Some("") => SyslogFormat::Unix,
            Some("rfc3164") => SyslogFormat::Rfc3164,
            Some("rfc5424") => SyslogFormat::Rfc5424 { micro: false },
            Some("rfc5424micro") => SyslogFormat::Rfc5424 { micro: true },
            Some(_) => {
                return Err(
                    options.invalid("syslog-format", "expected rfc3164, rfc5424 or rfc5424micro")
                );
            }
        },
        tag,
        hostname,
    })
}

fn address(options: &Options<'_>) -> Result<SyslogAddress> {
    let Some(text) = options.get("syslog-address").filter(|text| !text.is_empty()) else {
        return Ok(SyslogAddress::Unix("/dev/log".into()));
    };
    let invalid = |why: &str| options.invalid("syslog-address", why);
    let (scheme, rest) = text.split_once("://").ok_or_else(|| {
        invalid("expected unix://PATH, unixgram://PATH, udp://HOST or tcp://HOST")
    })?;
    let host = || match rest.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => Ok(rest.to_owned()),
        _ if rest.is_empty() => Err(invalid("expected a host")),
        _ => Ok(format!("{rest}:514")),
    };
    let path = || {
        let path = Path::new(rest);
        if path.is_absolute() { Ok(path.to_owned()) } else { Err(invalid("expected a path")) }
    };
    Ok(match scheme {
        "unix" => SyslogAddress::Unix(path()?),
        "unixgram" => SyslogAddress::Unixgram(path()?),
        "udp" => SyslogAddress::Udp(host()?),
        "tcp" => SyslogAddress::Tcp(host()?),
        "tcp+tls" => return Err(invalid("syslog over TLS is not supported: use a relay")),
        _ => return Err(invalid("expected unix, unixgram, udp or tcp")),
    })
}

fn facility(options: &Options<'_>) -> Result<u8> {
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
        "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4",
        "local5", "local6", "local7",
    ];
    let Some(text) = options.get("syslog-facility").filter(|text| !text.is_empty()) else {
        return Ok(3);
    };
    let number = match text.parse::<u8>() {
        Ok(number) => Some(number).filter(|number| usize::from(*number) < NAMES.len()),
        Err(_) => NAMES.iter().position(|name| *name == text).and_then(|at| u8::try_from(at).ok()),
    };
    number.ok_or_else(|| options.invalid("syslog-facility", "there is no such facility"))
}

/// Fills in a tag's template.
fn tag(template: &str, record: &Record) -> Result<String> {
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let image = record.image_id.trim_start_matches("sha256:");
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let invalid = |what: &str| {
            Error::invalid(format_args!(
                "invalid value for log option tag: {template:?}: {what}; expected ID, FullID, Name, Command, ImageID, ImageFullID, ImageName or DaemonName"
            ))
        };
        let (field, after) = after.split_once("}}").ok_or_else(|| invalid("}} is missing"))?;
        text.push_str(before);
        text.push_str(&match field.trim().trim_start_matches('.') {
            "ID" => short(&record.id),
            "FullID" => record.id.clone(),
            "Name" => record.name.clone(),
            "Command" => record.command_line().join(" "),
            "ImageID" => short(image),
            "ImageFullID" => image.to_owned(),
            "ImageName" => record.config.image.clone(),
            "DaemonName" => "docker".to_owned(),
            other => return Err(invalid(&format!("there is no field {other:?}"))),
        });
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// Attributes that the options for labels and variables pick.
fn attributes(record: &Record, settings: &Settings) -> Result<BTreeMap<String, String>> {
    let options = Options(&record.host.log.options);
    let variables: BTreeMap<String, String> = record
        .config
        .env
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut attributes = BTreeMap::new();
    for (names, pattern, all) in
        [("labels", "labels-regex", &record.config.labels), ("env", "env-regex", &variables)]
    {
        let listed: Vec<&str> = options.get(names).unwrap_or_default().split(',').collect();
        let pattern =
            options.get(pattern).map(|text| crate::pattern::read(pattern, text)).transpose()?;
        for (key, value) in all {
            let wanted = listed.contains(&key.as_str())
                || pattern.as_ref().is_some_and(|pattern| pattern.is_match(key));
            if wanted {
                attributes.insert(key.clone(), value.clone());
            }
        }
    }
    let is_file = matches!(settings.driver, Driver::JsonFile | Driver::Local);
    if is_file && !settings.tag.is_empty() {
        attributes.insert("tag".into(), tag(&settings.tag, record)?);
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(driver: &str, options: &[(&str, &str)]) -> LogConfig {
        LogConfig {
            driver: driver.into(),
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        }
    }

    #[test]
    fn options_are_checked() {
        let json = Settings::read(&log("json-file", &[("max-size", "10m"), ("max-file", "3")]))
            .expect("valid");
        assert_eq!((json.max_size_bytes, json.max_files, json.compress), (10 << 20, 3, false));
        let local = Settings::read(&log("local", &[("max-age", "7d")])).expect("valid");
        assert_eq!((local.max_age_s, local.max_files, local.compress), (604_800, 5, true));
        for bad in [
            log("bogus", &[]),
            log("syslog", &[("syslog-address", "x")]),
            log("syslog", &[("syslog-address", "tcp+tls://x")]),
            log("syslog", &[("syslog-facility", "x")]),
            log("syslog", &[("syslog-tls-cert", "x")]),
            log("json-file", &[("max-size", "x")]),
            log("json-file", &[("max-size", "0")]),
            log("json-file", &[("max-file", "0")]),
            log("json-file", &[("max-file", "2")]),
            log("json-file", &[("bogus", "1")]),
            log("json-file", &[("compress", "true")]),
            log("json-file", &[("mode", "x")]),
            log("json-file", &[("max-buffer-size", "1m")]),
            log("json-file", &[("tag", "{{.Bogus}}")]),
            log("json-file", &[("labels-regex", "(")]),
            log("local", &[("max-age", "x")]),
            log("none", &[("max-size", "1m")]),
        ] {
            assert!(Settings::read(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tags_and_attributes() {
        let mut record =
            Record { name: "web".into(), id: "0123456789abcdef".into(), ..Record::default() };
        record.config.labels =
            BTreeMap::from([("tier".into(), "front".into()), ("x".into(), "y".into())]);
        record.config.env = vec!["A=b".into(), "AB=c".into(), "Z=z".into()];
        record.host.log = log(
            "json-file",
            &[("labels", "tier"), ("env-regex", "^A"), ("tag", "{{.Name}}/{{.ID}}")],
        );
        let settings = Settings::read(&record.host.log).expect("valid");
        let all = attributes(&record, &settings).expect("valid");
        let shown: Vec<String> = all.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(shown, ["A=b", "AB=c", "tag=web/0123456789ab", "tier=front"]);
    }

    #[test]
    fn addresses_of_syslog() {
        let read = |text: &str| {
            let log = log("syslog", &[("syslog-address", text)]);
            address(&Options(&log.options)).expect(text)
        };
        assert_eq!(read("udp://host"), SyslogAddress::Udp("host:514".into()));
        assert_eq!(read("tcp://[::1]:99"), SyslogAddress::Tcp("[::1]:99".into()));
        assert_eq!(read("unixgram:///dev/log"), SyslogAddress::Unixgram("/dev/log".into()));
    }
}
