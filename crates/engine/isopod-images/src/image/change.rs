//! Dockerfile instructions that change a configuration: `--change` of import and commit.

use isopod_base::units::parse_duration;
use isopod_oci::image::{Empty, ExecutionConfig, Healthcheck};

use crate::error::ImageError;

/// Applies one instruction.
pub fn apply(config: &mut ExecutionConfig, instruction: &str) -> Result<(), ImageError> {
    let refuse =
        |reason: String| ImageError::Change { instruction: instruction.to_owned(), reason };
    let trimmed = instruction.trim();
    let (name, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(refuse("expected an instruction and its arguments".to_owned()));
    }
    match name.to_ascii_uppercase().as_str() {
        "CMD" => {
            config.cmd = Some(command(rest));
            config.args_escaped = false;
        }
        "ENTRYPOINT" => {
            config.entrypoint = Some(command(rest));
            config.cmd = None;
        }
        "ENV" => {
            for (key, value) in pairs(rest).map_err(refuse)? {
                let prefix = format!("{key}=");
                let entry = format!("{key}={value}");
                match config.env.iter_mut().find(|env| env.starts_with(&prefix)) {
                    Some(known) => *known = entry,
                    None => config.env.push(entry),
                }
            }
        }
        "LABEL" => config.labels.extend(pairs(rest).map_err(refuse)?),
        "EXPOSE" => {
            for port in words(rest).map_err(refuse)? {
                for port in exposed_ports(&port).map_err(refuse)? {
                    config.exposed_ports.insert(port, Empty {});
                }
            }
        }
        "VOLUME" => {
            let paths = match json_list(rest) {
                Some(paths) => paths,
                None => words(rest).map_err(refuse)?,
            };
            for path in paths {
                config.volumes.insert(path, Empty {});
            }
        }
        "WORKDIR" => {
            let path = words(rest).map_err(refuse)?.join(" ");
            config.working_dir = if path.starts_with('/') {
                path
            } else {
                let base = config.working_dir.trim_end_matches('/');
                format!("{base}/{path}")
            };
        }
        "USER" => config.user = words(rest).map_err(refuse)?.join(" "),
        "ONBUILD" => config.on_build.push(rest.to_owned()),
        "STOPSIGNAL" => config.stop_signal = Some(rest.to_owned()),
        "SHELL" => {
            config.shell = json_list(rest)
                .ok_or_else(|| refuse("SHELL takes a JSON list of strings".to_owned()))?;
        }
        "HEALTHCHECK" => config.healthcheck = Some(healthcheck(rest).map_err(refuse)?),
        other => {
            return Err(refuse(format!("{other} is not a valid change command")));
        }
    }
    Ok(())
}

/// Applies instructions in order. As in a Dockerfile, an entry point clears the command of the
/// image below, not one that is given here.
pub(super) fn apply_all(
    config: &mut ExecutionConfig,
    instructions: &[String],
) -> Result<(), ImageError> {
    let mut own = None;
    for instruction in instructions {
        apply(config, instruction)?;
        let word = instruction.split_ascii_whitespace().next().unwrap_or_default();
        if word.eq_ignore_ascii_case("CMD") {
            own.clone_from(&config.cmd);
        } else if word.eq_ignore_ascii_case("ENTRYPOINT") {
            config.cmd.clone_from(&own);
        }
    }
    Ok(())
}

/// The exec form, or the shell form run by `/bin/sh -c`.
fn command(text: &str) -> Vec<String> {
    json_list(text).unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned(), text.to_owned()])
}

fn json_list(text: &str) -> Option<Vec<String>> {
    text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

/// `key=value` pairs with quotes, or the old form of one key and the rest of the line.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let words = words(text)?;
    if words.first().is_some_and(|word| !word.contains('=')) {
        let (key, value) = text
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{text} has no value: expected key=value"))?;
        return Ok(vec![(key.to_owned(), value.trim().to_owned())]);
    }
    words
        .iter()
        .map(|word| match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(format!("{word:?} is not of the form key=value")),
        })
        .collect()
}

/// Words as a Dockerfile has them: quotes and backslashes are taken away.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => {
                if let Some(next) = chars.next() {
                    word.get_or_insert_default().push(next);
                }
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(quote) = quote {
        return Err(format!("a {quote} is not closed"));
    }
    words.extend(word);
    Ok(words)
}

/// `80`, `80/udp`, `8000-8010/tcp` of an `EXPOSE` as single ports with their protocol.
///
/// # Errors
/// What is wrong with the text, and what is expected.
pub fn exposed_ports(text: &str) -> Result<Vec<String>, String> {
    let invalid = || {
        format!("invalid containerPort: {text}: expected a port or range, with /tcp, /udp or /sctp")
    };
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(invalid());
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let first: u16 = first.parse().map_err(|_| invalid())?;
    let last: u16 = last.parse().map_err(|_| invalid())?;
    if first > last {
        return Err(invalid());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

fn healthcheck(text: &str) -> Result<Healthcheck, String> {
    let mut check = Healthcheck::default();
    let mut rest = text;
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag
            .split_once(char::is_whitespace)
            .ok_or("HEALTHCHECK needs CMD or NONE after its flags")?;
        rest = after.trim_start();
        let (name, value) =
            flag.split_once('=').ok_or_else(|| format!("--{flag} needs a value"))?;
        let nanos = || {
            parse_duration(value)
                .map(|duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
                .map_err(|error| error.to_string())
        };
        match name {
            "interval" => check.interval = Some(nanos()?),
            "timeout" => check.timeout = Some(nanos()?),
            "start-period" => check.start_period = Some(nanos()?),
            "start-interval" => check.start_interval = Some(nanos()?),
            "retries" => {
                check.retries =
                    Some(value.parse().map_err(|_| format!("--retries={value} is not a number"))?);
            }
            _ => return Err(format!("unknown flag --{name}")),
        }
    }
    let (kind, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let arguments = arguments.trim();
    check.test = match kind.to_ascii_uppercase().as_str() {
        "NONE" if arguments.is_empty() => vec!["NONE".to_owned()],
        "CMD" if !arguments.is_empty() => match json_list(arguments) {
            Some(list) => std::iter::once("CMD".to_owned()).chain(list).collect(),
            None => vec!["CMD-SHELL".to_owned(), arguments.to_owned()],
        },
        _ => return Err("HEALTHCHECK takes CMD with a command, or NONE".to_owned()),
    };
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(instructions: &[&str]) -> Result<ExecutionConfig, ImageError> {
        let mut config = ExecutionConfig::default();
        for instruction in instructions {
            apply(&mut config, instruction)?;
        }
        Ok(config)
    }

    #[test]
    fn instructions_change_the_configuration() {
        let config = changed(&[
            r#"ENTRYPOINT ["/bin/nginx", "-g"]"#,
            "CMD echo hello world",
            "ENV A=1 B=\"two words\"",
            "ENV A three words",
            "LABEL x.y=z",
            "EXPOSE 80 53/udp 8000-8001",
            r#"VOLUME ["/data"]"#,
            "WORKDIR /srv",
            "WORKDIR www",
            "USER 33:33",
            "STOPSIGNAL SIGQUIT",
            "HEALTHCHECK --interval=5s --retries=3 CMD curl -f http://localhost/",
        ])
        .expect("valid");
        assert_eq!(config.entrypoint.as_deref().map(<[_]>::len), Some(2));
        let cmd = config.cmd.expect("set");
        assert_eq!(cmd, ["/bin/sh", "-c", "echo hello world"]);
        assert_eq!(config.env, ["A=three words", "B=two words"]);
        assert_eq!(config.labels["x.y"], "z");
        let ports: Vec<&str> = config.exposed_ports.keys().map(String::as_str).collect();
        assert_eq!(ports, ["53/udp", "80/tcp", "8000/tcp", "8001/tcp"]);
        assert!(config.volumes.contains_key("/data"));
        assert_eq!(config.working_dir, "/srv/www");
        assert_eq!(config.user, "33:33");
        let check = config.healthcheck.expect("set");
        assert_eq!((check.interval, check.retries), (Some(5_000_000_000), Some(3)));
        assert_eq!(check.test[0], "CMD-SHELL");
    }

    #[test]
    fn bad_instructions_are_named() {
        for bad in [
            "",
            "RUN true",
            "CMD",
            "EXPOSE http",
            "EXPOSE 90-80",
            "ENV A=\"x",
            "LABEL x",
            "HEALTHCHECK --interval=soon CMD x",
            "HEALTHCHECK",
            "SHELL sh",
        ] {
            let error = changed(&[bad]).expect_err(bad);
            assert!(error.to_string().starts_with("change "), "{error}");
        }
    }
}
