//! From arguments, variables or a file to settings.

use std::path::Path;

use super::options::{self, Effect, OPTIONS, Opt};
use super::{Settings, SettingsError, file};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// Serve.
    Serve(Box<Settings>),
    /// Say this and end.
    Say(String),
}

/// Reads the settings from arguments (without the program's name) and variables.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = String>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Invocation, SettingsError> {
    let mut flags = Vec::new();
    let mut config_file = None;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some((name, value)) = split(&argument) else {
            return Err(SettingsError::NotAFlag(argument));
        };
        match name.as_str() {
            "version" => return Ok(Invocation::Say(versions())),
            "help" | "h" => return Ok(Invocation::Say(help())),
            _ => {}
        }
        let known = options::by_name(&name);
        if known.is_none() && name != "config-file" {
            return Err(SettingsError::UnknownFlag(name));
        }
        let value = match (value, known) {
            (Some(value), _) => value,
            (None, Some(option)) if option.is_switch() => "true".to_owned(),
            (None, _) => match arguments.next() {
                Some(value) => value,
                None => return Err(SettingsError::NoValue(name)),
            },
        };
        match known {
            Some(option) => flags.push((option, value)),
            None => config_file = Some(value),
        }
    }
    let variables: Vec<_> = variables.into_iter().collect();
    let from_variable = variables.iter().find(|(name, _)| name == "ETCD_CONFIG_FILE");
    if let Some(path) = config_file.or(from_variable.map(|(_, value)| value.clone())) {
        let settings = from_file(Path::new(&path))?.complete()?;
        return Ok(Invocation::Serve(Box::new(settings)));
    }
    let mut settings = Settings::default();
    for option in OPTIONS {
        let variable = variable(option.name);
        let value = variables.iter().find(|(name, _)| *name == variable);
        let overruled = flags.iter().any(|(flag, _)| flag.name == option.name);
        if let Some((_, value)) = value.filter(|(_, value)| !value.is_empty() && !overruled) {
            apply(&mut settings, option, value, &variable)?;
        }
    }
    for (option, value) in flags {
        apply(&mut settings, option, &value, &format!("--{}", option.name))?;
    }
    Ok(Invocation::Serve(Box::new(settings.complete()?)))
}

/// `-name`, `--name`, and either with `=value`.
fn split(argument: &str) -> Option<(String, Option<String>)> {
    let rest = argument.strip_prefix('-')?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (rest, None),
    };
    (!name.is_empty() && !name.starts_with('-')).then(|| (name.to_owned(), value))
}

fn variable(option: &str) -> String {
    format!("ETCD_{}", option.to_uppercase().replace('-', "_"))
}

fn from_file(path: &Path) -> Result<Settings, SettingsError> {
    let mut settings = Settings::default();
    for entry in file::read(path)? {
        let Some(option) = options::by_name(&entry.name) else {
            return Err(SettingsError::Syntax {
                path: path.to_owned(),
                line: entry.line,
                reason: format!("unknown key {:?}", entry.name),
            });
        };
        let place = format!("{} at {}:{}", entry.name, path.display(), entry.line);
        if !entry.value.is_empty() {
            apply(&mut settings, option, &entry.value, &place)?;
        }
    }
    Ok(settings)
}

fn apply(
    settings: &mut Settings,
    option: &'static Opt,
    value: &str,
    place: &str,
) -> Result<(), SettingsError> {
    let invalid =
        |reason| SettingsError::Value { place: place.to_owned(), value: value.to_owned(), reason };
    let unsupported = |reason| Err(SettingsError::Unsupported { place: place.to_owned(), reason });
    match option.effect {
        Effect::Set(set) => set(settings, value).map_err(invalid)?,
        Effect::Switch(set) => set(settings, options::switch(value).map_err(invalid)?),
        Effect::Moot(reason) => settings.moot.push(format!("{place} changes nothing: {reason}")),
        Effect::MootSwitch(reason) => {
            options::switch(value).map_err(invalid)?;
            settings.moot.push(format!("{place} changes nothing: {reason}"));
        }
        Effect::Refused(_) if value.is_empty() => {}
        Effect::Refused(reason) => return unsupported(reason),
        Effect::RefusedSwitch(reason) => {
            if options::switch(value).map_err(invalid)? {
                return unsupported(reason);
            }
        }
    }
    settings.given.push(option.name);
    Ok(())
}

fn versions() -> String {
    format!(
        "etcd Version: {}\nisopod Version: {}\nOS/Arch: linux/{}\n",
        crate::version::SERVER_VERSION,
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
    )
}

fn help() -> String {
    let mut text = String::from(
        "Usage:\n\n  isopod store [flags]\n    Serve etcd's API from a data folder.\n\n  \
         isopod store --version\n  isopod store --help\n  isopod store --config-file PATH\n    \
         Read the options from a YAML file; flags and variables do not count then.\n\nFlags, each \
         also as a variable such as ETCD_DATA_DIR:\n\n",
    );
    for option in OPTIONS.iter().filter(|option| !option.help.is_empty()) {
        let name = match option.is_switch() {
            true => format!("--{}", option.name),
            false => format!("--{} VALUE", option.name),
        };
        text.push_str(&format!("  {name:<42} {}\n", option.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, String> {
        let arguments = arguments.iter().map(|it| (*it).to_owned());
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        match read(arguments, variables).map_err(|error| error.to_string())? {
            Invocation::Serve(settings) => Ok(*settings),
            Invocation::Say(text) => Err(text),
        }
    }

    #[test]
    fn flags_with_one_dash_or_two_and_values_either_way() {
        let given = settings(&["-name", "a", "--data-dir=/d", "-pre-vote=false"], &[]).unwrap();
        assert_eq!(given.name, "a");
        assert_eq!(given.data_dir().to_str(), Some("/d"));
        assert!(!given.pre_vote);
        assert_eq!(given.initial_cluster[0].0, "a");
    }

    #[test]
    fn flags_count_before_variables() {
        let variables = [("ETCD_NAME", "v"), ("ETCD_MAX_TXN_OPS", "9")];
        let given = settings(&["--name", "f"], &variables).unwrap();
        assert_eq!((given.name.as_str(), given.max_txn_ops), ("f", 9));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (arguments, text) in [
            (&["--no-such"][..], "flag provided but not defined: -no-such"),
            (&["word"], "\"word\" is not a valid flag"),
            (&["--name"], "flag needs an argument: -name"),
            (&["--max-txn-ops", "x"], "invalid value \"x\" for --max-txn-ops: expected a number"),
            (
                &["--listen-client-urls", "http://127.0.0.1:1"],
                "--advertise-client-urls is required when --listen-client-urls is set explicitly",
            ),
            (
                &["--election-timeout", "200"],
                "--election-timeout[200ms] should be at least as 5 times as \
                 --heartbeat-interval[100ms]",
            ),
            (
                &["--unsafe-no-fsync"],
                "--unsafe-no-fsync is not supported: acknowledged writes are durable",
            ),
            (
                &["--initial-cluster", "b=http://a:1"],
                "couldn't find local name \"default\" in the initial cluster configuration",
            ),
        ] {
            assert_eq!(settings(arguments, &[]).unwrap_err(), text);
        }
    }

    #[test]
    fn options_without_a_meaning_are_said_again() {
        let given = settings(&["--max-wals", "3"], &[]).unwrap();
        assert!(given.moot[0].starts_with("--max-wals changes nothing: "));
    }
}
