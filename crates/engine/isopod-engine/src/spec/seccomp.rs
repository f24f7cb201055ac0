//! The system call filter of a container: Docker's profile, or one that the user gives.

use super::Security;
use super::security::Seccomp;
use crate::containers::Record;
use crate::error::{Error, Result};
use isopod_oci::runtime::{LinuxSeccomp, SeccompArg, SeccompRule};
use isopod_seccomp::Arch;
use serde::Deserialize;

/// A profile as Docker reads it: rules may depend on capabilities, architecture and kernel.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<ArchMap>>,
    flags: Option<Vec<String>>,
    listener_path: Option<String>,
    listener_metadata: Option<String>,
    syscalls: Option<Vec<Rule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ArchMap {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    name: String,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    args: Option<Vec<SeccompArg>>,
    includes: Option<Condition>,
    excludes: Option<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// The filter of a container, if it has one.
pub(crate) fn of(
    record: &Record,
    security: &Security,
    capabilities: &[String],
    kernel: (u32, u32),
) -> Result<Option<LinuxSeccomp>> {
    let arch = || {
        Arch::native()
            .ok_or_else(|| Error::internal("there is no seccomp filter for this processor"))
    };
    if record.host.privileged && !matches!(security.seccomp, Seccomp::Profile(_)) {
        return Ok(None);
    }
    match &security.seccomp {
        Seccomp::Unconfined => Ok(None),
        Seccomp::Default => Ok(Some(isopod_seccomp::docker_default(capabilities, arch()?, kernel))),
        Seccomp::Profile(text) => {
            let profile: Profile = serde_json::from_str(text).map_err(|source| {
                Error::invalid("Decoding seccomp profile failed").because(source)
            })?;
            let converted = profile.convert(capabilities, kernel)?;
            isopod_seccomp::compile(&converted, arch()?)
                .map_err(|source| Error::invalid("seccomp profile").because(source))?;
            Ok(Some(converted))
        }
    }
}

impl Profile {
    fn convert(self, capabilities: &[String], kernel: (u32, u32)) -> Result<LinuxSeccomp> {
        let mut architectures = self.architectures.unwrap_or_default();
        let maps = self.arch_map.unwrap_or_default();
        if !maps.is_empty() && !architectures.is_empty() {
            return Err(Error::invalid(
                "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
            ));
        }
        let native = native_name();
        if let Some(map) = maps.into_iter().find(|map| map.architecture == native) {
            architectures.push(map.architecture);
            architectures.extend(map.sub_architectures.unwrap_or_default());
        }
        let mut syscalls = Vec::new();
        for rule in self.syscalls.unwrap_or_default() {
            let wanted =
                rule.includes.as_ref().map_or(Ok(true), |c| c.holds(capabilities, kernel, true))?
                    && !rule
                        .excludes
                        .as_ref()
                        .map_or(Ok(false), |c| c.holds(capabilities, kernel, false))?;
            if !wanted {
                continue;
            }
            let mut names = rule.names.unwrap_or_default();
            if !rule.name.is_empty() {
                if !names.is_empty() {
                    return Err(Error::invalid(
                        "'name' and 'names' are both specified in the seccomp profile, use either",
                    ));
                }
                names.push(rule.name);
            }
            syscalls.push(SeccompRule {
                names,
                action: rule.action,
                errno_ret: rule.errno_ret,
                args: rule.args.unwrap_or_default(),
            });
        }
        Ok(LinuxSeccomp {
            default_action: self.default_action,
            default_errno_ret: self.default_errno_ret,
            architectures,
            flags: self.flags.unwrap_or_default(),
            listener_path: self.listener_path,
            listener_metadata: self.listener_metadata,
            syscalls,
        })
    }
}

impl Condition {
    /// Whether a condition of `includes` (all must hold) or `excludes` (any) holds.
    fn holds(&self, capabilities: &[String], kernel: (u32, u32), all: bool) -> Result<bool> {
        let mut outcomes = Vec::new();
        if let Some(arches) = self.arches.as_ref().filter(|arches| !arches.is_empty()) {
            outcomes.push(arches.iter().any(|arch| *arch == go_arch()));
        }
        for capability in self.caps.iter().flatten() {
            outcomes.push(capabilities.contains(capability));
        }
        if let Some(version) = &self.min_kernel {
            let parsed = version.split_once('.').and_then(|(major, minor)| {
                Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
            });
            let least = parsed.ok_or_else(|| {
                Error::invalid(format_args!("seccomp profile: invalid minKernel {version:?}"))
            })?;
            outcomes.push(kernel >= least);
        }
        Ok(if all {
            outcomes.iter().all(|&outcome| outcome)
        } else {
            outcomes.iter().any(|&outcome| outcome)
        })
    }
}

fn native_name() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "SCMP_ARCH_AARCH64",
        _ => "SCMP_ARCH_X86_64",
    }
}

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_pick_rules() {
        let text = r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["read","write"],"action":"SCMP_ACT_ALLOW","includes":{},"excludes":{}},
            {"name":"mount","action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
            {"name":"clone","action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}},
            {"name":"new","action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.1"}},
            {"name":"odd","action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}}]}"#;
        let names = |capabilities: &[String]| {
            let profile: Profile = serde_json::from_str(text).expect("JSON");
            let converted = profile.convert(capabilities, (6, 1)).expect("valid");
            converted
                .syscalls
                .iter()
                .flat_map(|rule| rule.names.clone())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names(&[]), "read write clone");
        assert_eq!(names(&["CAP_SYS_ADMIN".into()]), "read write mount");
    }
}
