//! `pstree`: processes as the tree that they are.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, users};

use crate::process::{self, Process};

/// `pstree`
pub(crate) const PSTREE: Applet = Applet::new(
    "pstree",
    pstree,
    "[-ap] [PID|USER]\n\nShow processes as a tree: all, those below PID, or of USER\n\n\
    \t-a\tTheir arguments\n\t-p\tTheir numbers; none are shown as one",
);

const SPEC: Spec = Spec::new("ap", &[("arguments", 'a'), ("show-pids", 'p')]);

struct Tree {
    by_parent: BTreeMap<i32, Vec<Process>>,
    arguments: bool,
    pids: bool,
}

fn pstree(cx: &mut Context<'_>) -> Result<Status> {
    let (mut arguments_shown, mut pids) = (false, false);
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => arguments_shown = true,
            _ => pids = true,
        }
    }
    let operands = arguments.operands_between(0, 1)?;
    let all = process::all();
    let mut by_parent: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in &all {
        by_parent.entry(process.parent).or_default().push(process.clone());
    }
    let tree = Tree { by_parent, arguments: arguments_shown, pids };
    let roots: Vec<&Process> = match operands.first() {
        None => all.iter().filter(|process| process.pid == 1).collect(),
        Some(word) => {
            let text = word.to_string_lossy();
            match text.parse::<i32>() {
                Ok(pid) => all.iter().filter(|process| process.pid == pid).collect(),
                Err(_) => {
                    let uid = users::uid_of(&text)
                        .ok_or_else(|| Error::message(format!("unknown user {text}")))?;
                    let is_own = |pid: i32| {
                        all.iter().any(|process| process.pid == pid && process.uid == uid)
                    };
                    all.iter()
                        .filter(|process| process.uid == uid && !is_own(process.parent))
                        .collect()
                }
            }
        }
    };
    if roots.is_empty() {
        return Err(Error::message("no such process"));
    }
    for root in roots {
        let mut lines = Vec::new();
        tree.draw(root, 1, &mut lines);
        for line in lines {
            cx.stdout.put(line.trim_ascii_end())?;
            cx.stdout.put(b"\n")?;
        }
    }
    Ok(Status::SUCCESS)
}

impl Tree {
    fn label(&self, process: &Process) -> Vec<u8> {
        let mut label = process.name.clone();
        if self.pids {
            label.extend_from_slice(format!("({})", process.pid).as_bytes());
        }
        if self.arguments {
            for word in process.arguments().iter().skip(1) {
                label.push(b' ');
                label.extend(
                    word.as_bytes().iter().map(|&byte| if byte < b' ' { b'?' } else { byte }),
                );
            }
        }
        label
    }

    /// The lines of a process and all below it. Like ones are drawn once, with their number.
    fn draw(&self, process: &Process, depth: usize, lines: &mut Vec<Vec<u8>>) {
        let label = self.label(process);
        let mut children: Vec<(Vec<Vec<u8>>, usize)> = Vec::new();
        // A tree that is deeper was changed while it was read.
        if depth < 512 {
            for child in self.by_parent.get(&process.pid).map_or(&[][..], Vec::as_slice) {
                let mut drawn = Vec::new();
                self.draw(child, depth + 1, &mut drawn);
                match children.iter_mut().find(|(lines, _)| *lines == drawn) {
                    Some((_, count)) => *count += 1,
                    None => children.push((drawn, 1)),
                }
            }
        }
        if children.is_empty() {
            lines.push(label);
            return;
        }
        let last = children.len() - 1;
        let indent = label.len();
        for (index, (drawn, count)) in children.into_iter().enumerate() {
            let corner: &[u8] = match (index == 0, index == last) {
                (true, true) => b"---",
                (true, false) => b"-+-",
                (false, true) => b" `-",
                (false, false) => b" |-",
            };
            let many = if count > 1 { format!("{count}*[") } else { String::new() };
            let is_many = count > 1;
            let height = drawn.len();
            for (row, line) in drawn.into_iter().enumerate() {
                let mut whole = match (row, index) {
                    (0, 0) => label.clone(),
                    _ => vec![b' '; indent],
                };
                if row == 0 {
                    whole.extend_from_slice(corner);
                    whole.extend_from_slice(many.as_bytes());
                } else {
                    whole.extend_from_slice(if index == last { b"   " } else { b" | " });
                    whole.resize(whole.len() + many.len(), b' ');
                }
                whole.extend_from_slice(&line);
                if is_many && row + 1 == height {
                    whole.push(b']');
                }
                lines.push(whole);
            }
        }
    }
}
