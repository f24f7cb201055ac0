//! The processes of containers.

use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{Engine, Status, Top};
use std::collections::BTreeSet;
use std::process::Command;

impl Engine {
    /// The processes of a container, by the host's `ps` with the given arguments (`-ef` when
    /// empty).
    pub async fn container_top(&self, name: &str, ps_args: &str) -> Result<Top> {
        let container = self.containers.find(name)?;
        match container.status() {
            Status::Running | Status::Paused => {}
            Status::Restarting => {
                return Err(Error::conflict(format_args!(
                    "Container {} is restarting, wait until the container is running",
                    container.id
                )));
            }
            _ => return Err(Error::not_running(&container.id)),
        }
        let pids = self.with_runtime(&container, isopod_runtime::Container::processes).await?;
        let pids: BTreeSet<_> = pids.into_iter().collect();
        let args = if ps_args.trim().is_empty() { "-ef" } else { ps_args }.to_owned();
        let top = blocking(move || processes(&args, &pids)).await?;
        self.container_event(&container, "top", &[]);
        Ok(top)
    }
}

fn processes(args: &str, pids: &BTreeSet<i32>) -> Result<Top> {
    let args: Vec<_> = args.split_whitespace().collect();
    if args
        .iter()
        .any(|arg| arg.starts_with("-p") || arg.starts_with("--pid") || arg.starts_with("-q"))
    {
        // They would choose processes, which is ours to do.
        return Err(Error::invalid(format_args!(
            "ps arguments {args:?} choose processes: leave that out"
        )));
    }
    let output = Command::new("ps").args(&args).output();
    let text = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(Error::internal(format_args!("ps: {}", message.trim())));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::new(
                crate::ErrorKind::NotImplemented,
                "the host has no ps program, which top needs",
            ));
        }
        Err(error) => return Err(Error::io("run ps")(error)),
    };
    pick(&text, pids)
}

/// The lines of `ps` about some processes; the last column takes the rest of its line.
fn pick(text: &str, pids: &BTreeSet<i32>) -> Result<Top> {
    let mut lines = text.lines();
    let titles: Vec<_> =
        lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let column = titles
        .iter()
        .position(|title| title == "PID")
        .ok_or_else(|| Error::invalid("Couldn't find PID field in ps output"))?;
    let mut processes = Vec::new();
    for line in lines {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_wanted = words
            .get(column)
            .and_then(|pid| pid.parse().ok())
            .is_some_and(|pid: i32| pids.contains(&pid));
        if !is_wanted || words.len() < titles.len() {
            continue;
        }
        let last = titles.len() - 1;
        let mut row: Vec<_> = words[..last].iter().map(|&word| word.to_owned()).collect();
        row.push(words[last..].join(" "));
        processes.push(row);
    }
    Ok(Top { titles, processes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_processes_are_left_out() {
        let text = "UID   PID  CMD\nroot  1  init\nroot  42  sleep  1000\n";
        let top = pick(text, &BTreeSet::from([42])).expect("has a PID column");
        assert_eq!(top.titles, ["UID", "PID", "CMD"]);
        assert_eq!(top.processes, [["root", "42", "sleep 1000"]]);
        assert!(pick("USER CMD\n", &BTreeSet::new()).is_err());
    }
}
