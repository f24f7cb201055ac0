//! Choices that Docker writes as short strings, as closed enums: namespaces, networks, restarts.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Makes an enum of words, some of them with an argument after a colon.
macro_rules! modes {
    ($(#[$doc:meta])* $name:ident, $what:literal, {
        $($(#[$vdoc:meta])* $word:literal => $variant:ident,)*
    } $({ $($(#[$adoc:meta])* $prefix:literal : $avariant:ident,)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            $($($(#[$adoc])* $avariant(String),)*)?
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($word),)*
                    $($(Self::$avariant(arg) => write!(f, concat!($prefix, ":{}"), arg),)*)?
                }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($word => return Ok(Self::$variant),)*
                    _ => {}
                }
                $($(if let Some(arg) = text.strip_prefix(concat!($prefix, ":")) {
                    if !arg.is_empty() {
                        return Ok(Self::$avariant(arg.to_owned()));
                    }
                })*)?
                Err(Error::invalid(format_args!(concat!("invalid ", $what, " mode: {}"), text)))
            }
        }

        impl From<$name> for String {
            fn from(mode: $name) -> Self {
                mode.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                text.parse()
            }
        }
    };
}

modes! {
    /// The PID namespace of a container.
    PidMode, "PID", {
        /// Its own.
        #[default]
        "" => Private,
        /// The host's.
        "host" => Host,
    } {
        /// That of another container.
        "container": Container,
    }
}

modes! {
    /// The IPC namespace of a container.
    IpcMode, "IPC", {
        /// The engine's default: private.
        #[default]
        "" => Default,
        /// Private, and no `/dev/shm`.
        "none" => None,
        /// Private.
        "private" => Private,
        /// Private, but others may join.
        "shareable" => Shareable,
        /// The host's.
        "host" => Host,
    } {
        /// That of another container.
        "container": Container,
    }
}

modes! {
    /// The UTS namespace of a container.
    UtsMode, "UTS", {
        /// Its own.
        #[default]
        "" => Private,
        /// The host's.
        "host" => Host,
    }
}

modes! {
    /// The user namespace of a container.
    UserNamespace, "USER", {
        /// The engine's default.
        #[default]
        "" => Default,
        /// The host's.
        "host" => Host,
    }
}

modes! {
    /// The cgroup namespace of a container.
    CgroupNamespace, "CGROUP", {
        /// The engine's default: private on cgroup v2, the host's on v1.
        #[default]
        "" => Default,
        /// Its own.
        "private" => Private,
        /// The host's.
        "host" => Host,
    }
}

/// The network of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum NetworkMode {
    /// The engine's default.
    #[default]
    Default,
    /// A namespace with nothing but loopback.
    None,
    /// The host's.
    Host,
    /// That of another container.
    Container(String),
    /// A network by name.
    Named(String),
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::None => f.write_str("none"),
            Self::Host => f.write_str("host"),
            Self::Container(id) => write!(f, "container:{id}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl From<String> for NetworkMode {
    fn from(text: String) -> Self {
        match text.as_str() {
            "" | "default" => Self::Default,
            "none" => Self::None,
            "host" => Self::Host,
            other => match other.strip_prefix("container:") {
                Some(id) => Self::Container(id.to_owned()),
                None => Self::Named(text),
            },
        }
    }
}

impl From<NetworkMode> for String {
    fn from(mode: NetworkMode) -> Self {
        mode.to_string()
    }
}

/// When a container is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// Whenever it ends, and when the engine starts.
    Always,
    /// Likewise, unless the user stopped it before the engine started.
    UnlessStopped,
    /// When it fails, at most so many times in a row (0: without limit).
    OnFailure {
        /// How many times.
        max_retries: u32,
    },
}

impl RestartPolicy {
    /// From Docker's name and count.
    pub fn parse(name: &str, max_retries: i64) -> Result<Self, Error> {
        let policy = match name {
            "" | "no" => Self::No,
            "always" => Self::Always,
            "unless-stopped" => Self::UnlessStopped,
            "on-failure" => Self::OnFailure {
                max_retries: u32::try_from(max_retries).map_err(|_| {
                    Error::invalid("invalid restart policy: maximum retry count cannot be negative")
                })?,
            },
            other => {
                return Err(Error::invalid(format_args!(
                    "invalid restart policy: unknown policy '{other}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
                )));
            }
        };
        if max_retries != 0 && !matches!(policy, Self::OnFailure { .. }) {
            return Err(Error::invalid(
                "invalid restart policy: maximum retry count can only be used with 'on-failure'",
            ));
        }
        Ok(policy)
    }

    /// Docker's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
            Self::OnFailure { .. } => "on-failure",
        }
    }

    /// Docker's maximum retry count.
    #[must_use]
    pub fn max_retries(self) -> u32 {
        match self {
            Self::OnFailure { max_retries } => max_retries,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_back_as_written() {
        for text in ["", "host", "container:abc"] {
            assert_eq!(text.parse::<PidMode>().expect(text).to_string(), text);
        }
        for text in ["", "none", "private", "shareable", "host", "container:x"] {
            assert_eq!(text.parse::<IpcMode>().expect(text).to_string(), text);
        }
        assert!("container:".parse::<PidMode>().is_err());
        assert_eq!(
            "bogus".parse::<UtsMode>().expect_err("unknown").to_string(),
            "invalid UTS mode: bogus"
        );
        assert_eq!(NetworkMode::from(String::new()).to_string(), "default");
        assert_eq!(NetworkMode::from("x".to_owned()), NetworkMode::Named("x".into()));
    }

    #[test]
    fn restart_policies_are_validated() {
        assert_eq!(RestartPolicy::parse("always", 0).expect("valid"), RestartPolicy::Always);
        assert!(RestartPolicy::parse("always", 3).is_err());
        assert!(RestartPolicy::parse("on-failure", -1).is_err());
        assert!(RestartPolicy::parse("sometimes", 0).is_err());
    }
}
