//! `ps`: the lines of the host's `ps` that are about the container's processes.

use std::process::Command;

use super::print;
use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

pub(crate) fn ps(invocation: &Invocation, globals: &Globals) -> Result<i32, Error> {
    let pids = globals.container(invocation)?.processes()?;
    match invocation.value("format").unwrap_or("table") {
        "json" => {
            let list = serde_json::to_string(&pids).expect("numbers");
            print(&format!("{list}\n"))?;
            return Ok(0);
        }
        "table" => {}
        _ => return Err(Error::Format),
    }
    let arguments = match invocation.rest() {
        [] => vec!["-ef".to_owned()],
        given => given.to_vec(),
    };
    let failed = |reason: String| Error::Ps { arguments: arguments.join(" "), reason };
    let output =
        Command::new("ps").args(&arguments).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(failed(format!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&said).trim()
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    print(&select(&text, &pids).map_err(failed)?)?;
    Ok(0)
}

/// The heading and the lines of the given processes.
fn select(text: &str, pids: &[i32]) -> Result<String, String> {
    let mut lines = text.lines();
    let heading = lines.next().unwrap_or_default();
    let column = heading
        .split_ascii_whitespace()
        .position(|title| title == "PID")
        .ok_or("couldn't find PID field in ps output")?;
    let mut selected = format!("{heading}\n");
    for line in lines.filter(|line| !line.is_empty()) {
        let pid = line.split_ascii_whitespace().nth(column).and_then(|field| field.parse().ok());
        let pid: i32 = pid.ok_or_else(|| format!("unable to parse pid: {line:?}"))?;
        if pids.contains(&pid) {
            selected.push_str(line);
            selected.push('\n');
        }
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_container() {
        let text = "UID   PID  CMD\nroot    1  init\nroot   42  sleep 60\nroot   43  other\n";
        assert_eq!(
            select(text, &[42, 1]),
            Ok("UID   PID  CMD\nroot    1  init\nroot   42  sleep 60\n".to_owned())
        );
        assert!(select("CMD\ninit\n", &[1]).is_err());
        assert!(select("PID\nx\n", &[1]).is_err());
    }
}
