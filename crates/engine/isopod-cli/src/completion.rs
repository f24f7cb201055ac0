//! `completion`: scripts for shells, made from the table of commands.
//!
//! The scripts know words and flags by themselves, and ask this program for the names of
//! containers, images and volumes only.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result, bail};

use crate::args::Kind;
use crate::commands::{self, Command, GROUPS, Names, Operands};
use crate::output::stdout;

pub(crate) static COMPLETION: Command = Command {
    names: &["completion"],
    usage: "bash|zsh|fish",
    summary: "Print a script that completes commands in your shell",
    examples: &[("completion bash > /etc/bash_completion.d/isopod", "Set it up for bash")],
    operands: Operands::Exactly(1),
    run: |session, flags| {
        Box::pin(async move {
            let text = script(&session.program, &flags.operands[0])?;
            stdout().write_all(text.as_bytes()).context("write to standard output")?;
            Ok(0)
        })
    },
    ..Command::DEFAULT
};

fn script(program: &str, shell: &str) -> Result<String> {
    match shell {
        "bash" => Ok(bash(program)),
        // Zsh runs bash's completions by itself.
        "zsh" => Ok(format!(
            "#compdef {program}\nautoload -Uz bashcompinit && bashcompinit\n{}",
            bash(program)
        )),
        "fish" => Ok(fish(program)),
        other => bail!("unknown shell {other:?}: expected bash, zsh or fish"),
    }
}

/// What lists names of a kind.
fn lister(program: &str, names: Names) -> Option<String> {
    Some(match names {
        Names::Files => return None,
        Names::Containers => format!("{program} ps -a --format '{{{{.Names}}}}'"),
        Names::Running => format!("{program} ps --format '{{{{.Names}}}}'"),
        Names::Images => format!("{program} images --format '{{{{.Repository}}}}:{{{{.Tag}}}}'"),
        Names::Volumes => format!("{program} volume ls -q"),
        Names::Networks => format!("{program} network ls --format '{{{{.Name}}}}'"),
    })
}

/// Words after the program's name: commands and groups, without those within groups.
fn top_words() -> Vec<&'static str> {
    let mut words: Vec<&str> = commands::all()
        .flat_map(|command| command.names.iter().copied())
        .filter(|name| !name.contains(' '))
        .chain(GROUPS.iter().map(|group| group.name))
        .collect();
    words.sort_unstable();
    words
}

fn group_words(group: &str) -> Vec<&'static str> {
    let mut words: Vec<&str> = commands::all()
        .flat_map(|command| command.names.iter())
        .filter_map(|name| name.strip_prefix(group)?.strip_prefix(' '))
        .collect();
    words.sort_unstable();
    words
}

fn flag_words(command: &Command) -> (Vec<String>, Vec<String>) {
    let (mut all, mut with_value) = (vec![], vec![]);
    for flag in command.flags.iter().flat_map(|flags| flags.iter()) {
        let names = [Some(format!("--{}", flag.long)), flag.short.map(|short| format!("-{short}"))];
        for name in names.into_iter().flatten() {
            if !matches!(flag.kind, Kind::Bool) {
                with_value.push(name.clone());
            }
            all.push(name);
        }
    }
    all.push("--help".to_owned());
    (all, with_value)
}

fn bash(program: &str) -> String {
    let mut cases = String::new();
    for command in commands::all() {
        let (flags, with_value) = flag_words(command);
        let patterns: Vec<String> = command.names.iter().map(|name| format!("'{name}'")).collect();
        let names = lister(program, command.complete)
            .map_or(String::new(), |lister| format!(" names=\"$({lister} 2>/dev/null)\""));
        let _ = writeln!(
            cases,
            "    {}) flags='{}' valued=' {} '{names};;",
            patterns.join("|"),
            flags.join(" "),
            with_value.join(" "),
        );
    }
    let mut groups = String::new();
    for group in GROUPS {
        let _ = writeln!(
            groups,
            "    {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return;;",
            group.name,
            group_words(group.name).join(" ")
        );
    }
    let group_pattern: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    format!(
        r#"_{program}_complete() {{
  local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}"
  local command flags valued names group
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{top}' -- "$cur"))
    return
  fi
  command="${{COMP_WORDS[1]}}"
  case "$command" in
    {groups_pattern})
      if [ "$COMP_CWORD" -eq 2 ]; then
        case "$command" in
{groups}        esac
      fi
      command="$command ${{COMP_WORDS[2]}}";;
  esac
  case "$command" in
{cases}    *) return;;
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")); return;;
  esac
  case "$valued" in
    *" $prev "*) COMPREPLY=($(compgen -f -- "$cur")); return;;
  esac
  if [ -n "$names" ]; then
    COMPREPLY=($(compgen -W "$names" -- "$cur"))
    type __ltrim_colon_completions >/dev/null 2>&1 && __ltrim_colon_completions "$cur"
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}}
complete -o filenames -F _{program}_complete {program}
"#,
        top = top_words().join(" "),
        groups_pattern = group_pattern.join("|"),
    )
}

fn fish(program: &str) -> String {
    let mut out = format!("complete -c {program} -f\n");
    let quote = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let first_line = |text: &str| quote(text.lines().next().unwrap_or_default());
    for group in GROUPS {
        let _ = writeln!(
            out,
            "complete -c {program} -n __fish_use_subcommand -a {} -d '{}'",
            group.name,
            quote(group.summary)
        );
    }
    for command in commands::all() {
        for name in command.names {
            let seen = match name.split_once(' ') {
                None => {
                    let _ = writeln!(
                        out,
                        "complete -c {program} -n __fish_use_subcommand -a {name} -d '{}'",
                        quote(command.summary)
                    );
                    format!(
                        "__fish_seen_subcommand_from {name}; and not __fish_seen_subcommand_from {}",
                        GROUPS.iter().map(|group| group.name).collect::<Vec<_>>().join(" ")
                    )
                }
                Some((group, word)) => {
                    let _ = writeln!(
                        out,
                        "complete -c {program} -n '__fish_seen_subcommand_from {group}' -a {word} -d '{}'",
                        quote(command.summary)
                    );
                    format!(
                        "__fish_seen_subcommand_from {group}; and __fish_seen_subcommand_from {word}"
                    )
                }
            };
            for flag in command.flags.iter().flat_map(|flags| flags.iter()) {
                let short = flag.short.map_or(String::new(), |short| format!(" -s {short}"));
                let value = if matches!(flag.kind, Kind::Bool) { "" } else { " -r" };
                let _ = writeln!(
                    out,
                    "complete -c {program} -n '{seen}' -l {}{short}{value} -d '{}'",
                    flag.long,
                    first_line(flag.help)
                );
            }
            match lister(program, command.complete) {
                Some(lister) => {
                    let _ = writeln!(
                        out,
                        "complete -c {program} -n '{seen}' -a '({} 2>/dev/null)'",
                        quote(&lister)
                    );
                }
                None => {
                    let _ = writeln!(out, "complete -c {program} -n '{seen}' -F");
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_commands_flags_and_groups() {
        for shell in ["bash", "zsh", "fish"] {
            let text = script("isopod", shell).expect("known shell");
            for word in ["run", "volume", "prune", "sig-proxy", "entrypoint"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
        assert!(script("isopod", "csh").is_err());
    }

    #[test]
    fn bash_completes() {
        let script = script("isopod", "bash").expect("known shell");
        let complete = |words: &str| {
            let test = format!(
                "{script}\nCOMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
                 _isopod_complete; echo \"${{COMPREPLY[@]}}\""
            );
            let output = std::process::Command::new("bash").args(["-c", &test]).output();
            let output = output.expect("bash runs");
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        assert_eq!(complete("isopod res"), "restart");
        assert_eq!(complete("isopod volume in"), "inspect");
        assert_eq!(complete("isopod run --entr"), "--entrypoint");
        assert_eq!(complete("isopod container ls --no-t"), "--no-trunc");
    }
}
