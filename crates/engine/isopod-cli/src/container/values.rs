//! Values of single flags of `create` and `run`.

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context, Result, anyhow, bail};
use isopod_docker_types::{DeviceMapping, RestartPolicy, ThrottleDevice, Ulimit, WeightDevice};

use crate::args::signed_bytes;
use crate::session::open_error;

/// Checks made while flags are read, whose errors name the flag.
pub(crate) mod check {
    use std::net::IpAddr;

    pub(crate) fn attach(text: &str) -> Result<(), String> {
        match text.to_lowercase().as_str() {
            "stdin" | "stdout" | "stderr" => Ok(()),
            _ => Err("valid streams are STDIN, STDOUT and STDERR".to_owned()),
        }
    }

    pub(crate) fn extra_host(text: &str) -> Result<(), String> {
        let (host, address) = text.split_once('=').or(text.split_once(':')).unwrap_or((text, ""));
        if host.is_empty() || address.is_empty() {
            return Err(format!("bad format for add-host: {text:?}"));
        }
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
        match bare == "host-gateway" || bare.parse::<IpAddr>().is_ok() {
            true => Ok(()),
            false => Err(format!("invalid IP address in add-host: {address:?}")),
        }
    }

    pub(crate) fn ip_address(text: &str) -> Result<(), String> {
        text.trim()
            .parse::<IpAddr>()
            .map(|_| ())
            .map_err(|_| format!("IP address is not correctly formatted: {text}"))
    }

    pub(crate) fn env(text: &str) -> Result<(), String> {
        match text.starts_with('=') || text.is_empty() {
            true => Err(format!("invalid environment variable: {text}")),
            false => Ok(()),
        }
    }

    pub(crate) fn label(text: &str) -> Result<(), String> {
        match text.starts_with('=') || text.is_empty() {
            true => Err(format!("invalid label '{text}': empty name")),
            false => Ok(()),
        }
    }

    pub(crate) fn sysctl(text: &str) -> Result<(), String> {
        const KERNEL: &[&str] = &[
            "kernel.msgmax",
            "kernel.msgmnb",
            "kernel.msgmni",
            "kernel.sem",
            "kernel.shmall",
            "kernel.shmmax",
            "kernel.shmmni",
            "kernel.shm_rmid_forced",
        ];
        let allowed = text.split_once('=').is_some_and(|(name, _)| {
            KERNEL.contains(&name) || name.starts_with("net.") || name.starts_with("fs.mqueue.")
        });
        if allowed { Ok(()) } else { Err(format!("sysctl '{text}' is not allowed")) }
    }

    pub(crate) fn ulimit(text: &str) -> Result<(), String> {
        super::ulimit(text).map(|_| ())
    }

    pub(crate) fn mount(text: &str) -> Result<(), String> {
        super::super::volumes::mount(text).map(|_| ())
    }

    pub(crate) fn device_rule(text: &str) -> Result<(), String> {
        let number = |text: &str| text == "*" || text.bytes().all(|byte| byte.is_ascii_digit());
        let words: Vec<&str> = text.split(' ').collect();
        let fits = match words.as_slice() {
            ["a" | "b" | "c", device, mode] => {
                let numbers = device.split_once(':');
                numbers.is_some_and(|(major, minor)| {
                    !major.is_empty() && !minor.is_empty() && number(major) && number(minor)
                }) && (1..=3).contains(&mode.len())
                    && mode.chars().all(|c| "rwm".contains(c))
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(format!("invalid device cgroup format '{text}'")) }
    }

    fn device_path(text: &str) -> Result<&str, String> {
        match text.split_once(':') {
            Some((path, rest)) if path.starts_with("/dev/") => Ok(rest),
            Some(_) => Err(format!("bad format for device path: {text}")),
            None => Err(format!("bad format: {text}")),
        }
    }

    pub(crate) fn weight_device(text: &str) -> Result<(), String> {
        match device_path(text)?.parse::<u16>() {
            Ok(weight) if weight == 0 || (10..=1000).contains(&weight) => Ok(()),
            _ => Err(format!("invalid weight for device: {text}")),
        }
    }

    pub(crate) fn throttle_bytes(text: &str) -> Result<(), String> {
        isopod_base::units::parse_bytes(device_path(text)?).map(|_| ()).map_err(|_| {
            format!(
                "invalid rate for device: {text}. The correct format is \
                 <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is \
                 optional and can be kb, mb, or gb"
            )
        })
    }

    pub(crate) fn throttle_count(text: &str) -> Result<(), String> {
        device_path(text)?.parse::<u64>().map(|_| ()).map_err(|_| {
            format!(
                "invalid rate for device: {text}. The correct format is <device-path>:<number>. \
                 Number must be a positive integer"
            )
        })
    }
}

/// `KEY=VALUE` arguments; one without `=` has an empty value.
pub(super) fn pairs(arguments: &[String]) -> BTreeMap<String, String> {
    arguments
        .iter()
        .map(|argument| argument.split_once('=').unwrap_or((argument, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Variables of files, then of flags; a bare name takes its value from our environment, and is
/// left out if it has none there.
pub(super) fn environment(files: &[String], arguments: &[String]) -> Result<Vec<String>> {
    let mut variables = vec![];
    let mut add = |variable: &str| {
        if variable.contains('=') {
            variables.push(variable.to_owned());
        } else if let Ok(value) = env::var(variable) {
            variables.push(format!("{variable}={value}"));
        }
    };
    for path in files {
        lines(path)?.iter().for_each(|line| add(line));
    }
    arguments.iter().for_each(|argument| add(argument));
    Ok(variables)
}

/// Labels of files, then of flags.
pub(super) fn labels(files: &[String], arguments: &[String]) -> Result<BTreeMap<String, String>> {
    let mut all = vec![];
    for path in files {
        all.extend(lines(path)?);
    }
    all.extend_from_slice(arguments);
    Ok(pairs(&all))
}

/// Largest file of variables or labels.
const FILE_MAX: u64 = 16 << 20;

/// The lines of a file that are not empty and not comments.
fn lines(path: &str) -> Result<Vec<String>> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(|error| open_error("open", path, &error))?
        .take(FILE_MAX)
        .read_to_string(&mut text)
        .map_err(|error| open_error("read", path, &error))?;
    let mut found = vec![];
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = line.split('=').next().unwrap_or_default();
        if name.is_empty() {
            bail!("{path}, line {}: no variable name on line '{line}'", at + 1);
        }
        if name.contains(char::is_whitespace) {
            bail!("{path}, line {}: variable '{name}' contains whitespaces", at + 1);
        }
        found.push(line.to_owned());
    }
    Ok(found)
}

/// `HOST:IP`, whichever way it was written.
pub(crate) fn extra_host(text: &str) -> String {
    let (host, address) = text.split_once('=').or(text.split_once(':')).unwrap_or((text, ""));
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    format!("{host}:{bare}")
}

/// `no`, `always`, `unless-stopped`, `on-failure[:MAX]`. The engine knows which names there are.
pub(super) fn restart_policy(text: &str) -> Result<RestartPolicy> {
    let (name, count) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() && !text.is_empty() {
        bail!("invalid restart policy format: no policy provided before colon");
    }
    let maximum_retry_count = match count {
        "" => 0,
        count if count.contains(':') => bail!("invalid restart policy format"),
        count => count.parse().map_err(|_| {
            anyhow!("invalid restart policy format: maximum retry count must be an integer")
        })?,
    };
    Ok(RestartPolicy { name: name.to_owned(), maximum_retry_count })
}

/// Security options: the contents of seccomp profiles in place of their paths.
pub(super) struct SecurityOptions {
    /// For the engine.
    pub(super) options: Vec<String>,
    /// Whether nothing is to be masked or read-only.
    pub(super) unconfined_paths: bool,
}

/// Reads security options.
pub(super) fn security_options(arguments: &[String]) -> Result<SecurityOptions> {
    let mut options = vec![];
    let mut unconfined_paths = false;
    for argument in arguments {
        if argument == "systempaths=unconfined" {
            unconfined_paths = true;
            continue;
        }
        let (key, value) = match argument.split_once('=') {
            Some(pair) => pair,
            None if argument == "no-new-privileges" => (argument.as_str(), "true"),
            None => argument.split_once(':').unwrap_or((argument, "")),
        };
        if value.is_empty() && key != "no-new-privileges" {
            bail!("Invalid --security-opt: {argument:?}");
        }
        match (key, value) {
            ("seccomp", "unconfined" | "builtin") => options.push(argument.clone()),
            ("seccomp", path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let error = open_error("open", path, &error);
                    anyhow!("opening seccomp profile ({path}) failed: {error}")
                })?;
                let profile: crate::template::Value =
                    serde_json::from_str(&text).with_context(|| {
                        format!("compacting json for seccomp profile ({path}) failed")
                    })?;
                let compact = serde_json::to_string(&profile).context("encode the profile")?;
                options.push(format!("seccomp={compact}"));
            }
            _ => options.push(argument.clone()),
        }
    }
    Ok(SecurityOptions { options, unconfined_paths })
}

fn is_device_mode(text: &str) -> bool {
    let once = |c: char| text.matches(c).count() <= 1;
    !text.is_empty() && text.chars().all(|c| "rwm".contains(c) && once(c))
}

/// `PATH[:PATH][:MODE]`.
pub(super) fn device(text: &str) -> Result<DeviceMapping> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, mode) = match parts.as_slice() {
        [source] => (*source, *source, "rwm"),
        [source, mode] if is_device_mode(mode) => (*source, *source, *mode),
        [source, target] => (*source, *target, "rwm"),
        [_, _, mode] if !is_device_mode(mode) => bail!("bad mode specified: {mode}"),
        [source, target, mode] => (*source, *target, *mode),
        _ => bail!("bad format for path: {text}"),
    };
    if source.is_empty() {
        bail!("bad format for path: {text}");
    }
    if !target.starts_with('/') {
        bail!("{target} is not an absolute path");
    }
    Ok(DeviceMapping {
        path_on_host: source.to_owned(),
        path_in_container: target.to_owned(),
        cgroup_permissions: mode.to_owned(),
    })
}

/// `NAME=SOFT[:HARD]`.
pub(crate) fn ulimit(text: &str) -> Result<Ulimit, String> {
    let (name, limits) =
        text.split_once('=').ok_or_else(|| format!("invalid ulimit argument: {text}"))?;
    if !isopod_base::ulimit::NAMES.contains(&name) {
        return Err(format!("invalid ulimit type: {name}"));
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    if hard.contains(':') {
        return Err(format!(
            "too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
        ));
    }
    let number = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
    };
    let (soft, hard) = (number(soft)?, number(hard)?);
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(format!(
            "ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
        ));
    }
    Ok(Ulimit { name: name.to_owned(), hard, soft })
}

/// `PATH:WEIGHT`, already checked.
pub(super) fn weight(text: &str) -> Option<WeightDevice> {
    let (path, weight) = text.split_once(':')?;
    Some(WeightDevice { path: path.to_owned(), weight: weight.parse().ok()? })
}

/// `PATH:RATE`, already checked.
pub(super) fn throttle(text: &str) -> Option<ThrottleDevice> {
    let (path, rate) = text.split_once(':')?;
    let rate = u64::try_from(signed_bytes(rate).ok()?).ok()?;
    Some(ThrottleDevice { path: path.to_owned(), rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_variables() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), "# note\n\n  A=1 2\nB=\nNOT_SET_ANYWHERE\n").expect("writes");
        let path = file.path().to_string_lossy().into_owned();
        assert_eq!(
            environment(std::slice::from_ref(&path), &["C=3".into()]).expect("reads"),
            ["A=1 2", "B=", "C=3"]
        );
        std::fs::write(file.path(), "ok=1\nb ad=2\n").expect("writes");
        let error = environment(std::slice::from_ref(&path), &[]).expect_err("a blank in a name");
        assert_eq!(
            error.to_string(),
            format!("{path}, line 2: variable 'b ad' contains whitespaces")
        );
    }

    #[test]
    fn limits_and_devices() {
        assert_eq!(ulimit("nofile=5").map(|limit| (limit.soft, limit.hard)), Ok((5, 5)));
        assert!(ulimit("nofile=5:4").is_err());
        assert!(ulimit("nofile=-1:-1").is_ok());
        assert!(ulimit("bogus=1").is_err());
        assert!(device("/dev/a:/dev/b:rwx").is_err());
        assert_eq!(device("/dev/a:/dev/b:r").expect("good").cgroup_permissions, "r");
        assert!(check::device_rule("c 1:3 rwm").is_ok());
        assert!(check::device_rule("x 1:3 rwm").is_err());
        assert!(check::throttle_bytes("/dev/sda:1mb").is_ok());
        assert!(check::throttle_count("/dev/sda:1mb").is_err());
        assert!(check::sysctl("net.ipv4.ip_forward=1").is_ok());
        assert!(check::sysctl("vm.swappiness=1").is_err());
    }
}
