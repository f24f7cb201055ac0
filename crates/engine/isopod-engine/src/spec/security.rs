//! The security options of a container.

use crate::HostConfig;
use crate::error::{Error, Result};

/// What `--security-opt` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Security {
    pub(crate) no_new_privileges: bool,
    pub(crate) seccomp: Seccomp,
    pub(crate) apparmor_profile: Option<String>,
    pub(crate) process_label: Option<String>,
    pub(crate) mount_label: Option<String>,
    pub(crate) system_paths_unconfined: bool,
}

/// Which system call filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seccomp {
    /// Docker's profile.
    #[default]
    Default,
    /// None.
    Unconfined,
    /// This one, in Docker's or in the runtime specification's form.
    Profile(String),
}

impl Security {
    pub(crate) fn parse(host: &HostConfig) -> Result<Self> {
        let mut security = Self::default();
        if host.privileged {
            security.seccomp = Seccomp::Unconfined;
        }
        for option in &host.security_opt {
            security.apply(option)?;
        }
        Ok(security)
    }

    fn apply(&mut self, option: &str) -> Result<()> {
        let invalid = || Error::invalid(format_args!("invalid --security-opt 1: {option:?}"));
        let (key, value) = match option {
            "no-new-privileges" => {
                self.no_new_privileges = true;
                return Ok(());
            }
            "disable" => return Ok(()),
            // `key=value`, and the older `key:value`.
            option => {
                option.split_once('=').or_else(|| option.split_once(':')).ok_or_else(invalid)?
            }
        };
        match (key, value) {
            ("no-new-privileges", value) => {
                self.no_new_privileges = match value {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err(invalid()),
                };
            }
            ("seccomp", "unconfined") => self.seccomp = Seccomp::Unconfined,
            ("seccomp", "builtin") => self.seccomp = Seccomp::Default,
            ("seccomp", profile) => self.seccomp = Seccomp::Profile(profile.to_owned()),
            ("apparmor", "unconfined") => self.apparmor_profile = None,
            ("apparmor", profile) => self.apparmor_profile = Some(profile.to_owned()),
            ("systempaths", "unconfined") => self.system_paths_unconfined = true,
            ("label", "disable") => {
                self.process_label = None;
                self.mount_label = None;
            }
            // Labels only mean something where SELinux is on, which needs a policy to be asked.
            ("label", _) if !std::path::Path::new("/sys/fs/selinux/enforce").exists() => {}
            ("label", _) => {
                return Err(Error::invalid(format_args!(
                    "SELinux labels are not supported: {option}"
                )));
            }
            ("writable-cgroups", _) => {}
            _ => return Err(invalid()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Security> {
        Security::parse(&HostConfig {
            security_opt: options.iter().map(|&option| option.into()).collect(),
            ..HostConfig::default()
        })
    }

    #[test]
    fn options_are_read_in_both_forms() {
        let security = parse(&["no-new-privileges:true", "seccomp=unconfined", "apparmor:web"])
            .expect("valid");
        assert!(security.no_new_privileges);
        assert_eq!(security.seccomp, Seccomp::Unconfined);
        assert_eq!(security.apparmor_profile.as_deref(), Some("web"));
        assert!(parse(&["bogus"]).is_err());
        assert!(parse(&["no-new-privileges=maybe"]).is_err());
    }
}
