//! Resource limits: names to kernel numbers.

use rustix::process::{Resource, Rlimit};

use crate::error::{Error, Result};

/// Translates `process.rlimits`; each name may occur once.
pub(crate) fn parse(
    field: &str,
    limits: &[isopod_oci::runtime::Rlimit],
) -> Result<Vec<(Resource, Rlimit)>> {
    let mut parsed: Vec<(Resource, Rlimit)> = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        let at = || format!("{field}[{index}]");
        let resource = resource(&limit.kind)
            .ok_or_else(|| Error::config(at(), format!("invalid rlimit type: {:?}", limit.kind)))?;
        if parsed.iter().any(|(known, _)| *known == resource) {
            return Err(Error::config(at(), format!("second limit of type {:?}", limit.kind)));
        }
        if limit.soft > limit.hard {
            return Err(Error::config(
                at(),
                format!("soft limit {} is above the hard limit {}", limit.soft, limit.hard),
            ));
        }
        let value = |limit: u64| (limit != u64::MAX).then_some(limit);
        parsed.push((resource, Rlimit { current: value(limit.soft), maximum: value(limit.hard) }));
    }
    Ok(parsed)
}

fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "RLIMIT_AS" => Resource::As,
        "RLIMIT_CORE" => Resource::Core,
        "RLIMIT_CPU" => Resource::Cpu,
        "RLIMIT_DATA" => Resource::Data,
        "RLIMIT_FSIZE" => Resource::Fsize,
        "RLIMIT_LOCKS" => Resource::Locks,
        "RLIMIT_MEMLOCK" => Resource::Memlock,
        "RLIMIT_MSGQUEUE" => Resource::Msgqueue,
        "RLIMIT_NICE" => Resource::Nice,
        "RLIMIT_NOFILE" => Resource::Nofile,
        "RLIMIT_NPROC" => Resource::Nproc,
        "RLIMIT_RSS" => Resource::Rss,
        "RLIMIT_RTPRIO" => Resource::Rtprio,
        "RLIMIT_RTTIME" => Resource::Rttime,
        "RLIMIT_SIGPENDING" => Resource::Sigpending,
        "RLIMIT_STACK" => Resource::Stack,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(kind: &str, soft: u64, hard: u64) -> isopod_oci::runtime::Rlimit {
        isopod_oci::runtime::Rlimit { kind: kind.into(), soft, hard }
    }

    #[test]
    fn limits_are_checked() {
        let good = parse("r", &[limit("RLIMIT_NOFILE", 1, u64::MAX)]).expect("good");
        assert_eq!(good[0].1, Rlimit { current: Some(1), maximum: None });
        assert!(parse("r", &[limit("RLIMIT_FOO", 1, 1)]).is_err());
        assert!(parse("r", &[limit("RLIMIT_CPU", 2, 1)]).is_err());
        assert!(parse("r", &[limit("RLIMIT_CPU", 1, 1), limit("RLIMIT_CPU", 1, 1)]).is_err());
    }
}
