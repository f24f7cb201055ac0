//! `--publish` and `--expose`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use anyhow::{Result, anyhow, bail};
use isopod_docker_types::{PortBinding, PortMap, Present};

/// Bindings of `[[IP:]PORT:]PORT[/PROTOCOL]`, or of docker's long form
/// `published=8080,target=80,protocol=tcp`.
pub(crate) fn published(specs: &[String]) -> Result<PortMap> {
    let mut map = PortMap::new();
    for spec in specs {
        let spec = if spec.contains('=') { short_form(spec)? } else { spec.clone() };
        publish(&spec, &mut map)?;
    }
    Ok(map)
}

fn short_form(spec: &str) -> Result<String> {
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in spec.split(',') {
        match field.split_once('=') {
            Some(("published", value)) => published = value,
            Some(("target", value)) => target = value,
            Some(("protocol", value)) => protocol = value,
            Some((key, _)) if !key.is_empty() => {}
            _ => {
                bail!("invalid publish opts format (should be name=value but got '{field}')")
            }
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

fn publish(spec: &str, map: &mut PortMap) -> Result<()> {
    let (rest, protocol) = split_protocol(spec)?;
    let (rest, container) = rest.rsplit_once(':').unwrap_or(("", rest));
    let (address, host) = match rest.rsplit_once(':') {
        Some((address, host)) => (address, host),
        None => ("", rest),
    };
    let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    if !address.is_empty() && address.parse::<IpAddr>().is_err() {
        bail!("invalid IP address: {address}");
    }
    if container.is_empty() {
        bail!("no port specified: {spec}<empty>");
    }
    let ports = range(container).ok_or_else(|| anyhow!("invalid containerPort: {container}"))?;
    let hosts = match host {
        "" => None,
        host => Some(range(host).ok_or_else(|| anyhow!("invalid hostPort: {host}"))?),
    };
    if let Some(hosts) = &hosts
        && hosts.len() != ports.len()
        && ports.len() != 1
    {
        bail!("invalid ranges specified for container and host Ports: {container} and {host}");
    }
    let single = ports.len() == 1;
    for (at, port) in ports.enumerate() {
        let host_port = match &hosts {
            None => String::new(),
            // The engine picks one of the range.
            Some(hosts) if single && hosts.len() > 1 => {
                format!("{}-{}", hosts.start(), hosts.end())
            }
            Some(hosts) => (usize::from(*hosts.start()) + at).to_string(),
        };
        map.entry(format!("{port}/{protocol}"))
            .or_default()
            .get_or_insert_default()
            .push(PortBinding { host_ip: address.to_owned(), host_port });
    }
    Ok(())
}

/// Adds `PORT[-PORT][/PROTOCOL]`.
pub(super) fn exposed(specs: &[String], ports: &mut BTreeMap<String, Present>) -> Result<()> {
    for spec in specs {
        if spec.contains(':') {
            bail!("invalid port format for --expose: {spec}");
        }
        let (text, protocol) = split_protocol(spec)?;
        let range = range(text).ok_or_else(|| {
            anyhow!(
                "invalid range format for --expose: {text}, error: strconv.ParseUint: parsing \
                 {text:?}: invalid syntax"
            )
        })?;
        ports.extend(range.map(|port| (format!("{port}/{protocol}"), Present {})));
    }
    Ok(())
}

fn split_protocol(spec: &str) -> Result<(&str, String)> {
    let (rest, protocol) = spec.rsplit_once('/').unwrap_or((spec, "tcp"));
    match protocol.to_lowercase().as_str() {
        "" => Ok((rest, "tcp".to_owned())),
        protocol @ ("tcp" | "udp" | "sctp") => Ok((rest, protocol.to_owned())),
        _ => bail!("invalid proto: {protocol}"),
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, expected: &[(&str, &str, &str)]) {
        let map = published(&[spec.to_owned()]).expect("good");
        let found: Vec<_> = map
            .iter()
            .flat_map(|(port, bindings)| {
                bindings.iter().flatten().map(move |binding| {
                    (port.as_str(), binding.host_ip.as_str(), binding.host_port.as_str())
                })
            })
            .collect();
        assert_eq!(found, expected, "{spec}");
    }

    #[test]
    fn forms() {
        check("80", &[("80/tcp", "", "")]);
        check("8080:80/udp", &[("80/udp", "", "8080")]);
        check("127.0.0.1:8080:80", &[("80/tcp", "127.0.0.1", "8080")]);
        check("127.0.0.1::80", &[("80/tcp", "127.0.0.1", "")]);
        check("[::1]:8080:80", &[("80/tcp", "::1", "8080")]);
        check("8000-8001:80-81", &[("80/tcp", "", "8000"), ("81/tcp", "", "8001")]);
        check("8000-8009:80", &[("80/tcp", "", "8000-8009")]);
        check("published=8080,target=80,protocol=udp", &[("80/udp", "", "8080")]);
    }

    #[test]
    fn refusals() {
        for (spec, message) in [
            ("x:80", "invalid hostPort: x"),
            ("80/foo", "invalid proto: foo"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("8080:", "no port specified: 8080:<empty>"),
            ("9-8", "invalid containerPort: 9-8"),
            ("1-3:1-2", "invalid ranges specified for container and host Ports: 1-2 and 1-3"),
        ] {
            let error = published(&[spec.to_owned()]).expect_err(spec);
            assert_eq!(error.to_string(), message);
        }
    }
}
