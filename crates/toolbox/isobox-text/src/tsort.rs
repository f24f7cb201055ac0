//! `tsort`: a total order from pairs.

use std::collections::HashMap;
use std::collections::VecDeque;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const TSORT: Applet = Applet::new(
    "tsort",
    tsort,
    "[FILE]\n\n\
     Print the words of FILE in an order in which the first of each pair precedes the second",
);

const OPTIONS: Spec = Spec::new("w", &[]);

#[derive(Default)]
struct Node {
    name: Vec<u8>,
    after: Vec<usize>,
    before: usize,
    done: bool,
}

fn tsort(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&OPTIONS);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands_between(0, 1)?;
    let stdin = std::ffi::OsString::from("-");
    let name = operands.first().unwrap_or(&stdin);
    let mut bytes = Vec::new();
    cx.open(name)?.read_to_end(&mut bytes).map_err(|error| Error::path(name, error))?;
    let mut nodes: Vec<Node> = Vec::new();
    let mut numbers: HashMap<&[u8], usize> = HashMap::new();
    let mut first = None;
    for word in bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        let number = *numbers.entry(word).or_insert_with(|| {
            nodes.push(Node { name: word.to_vec(), ..Node::default() });
            nodes.len() - 1
        });
        match first.take() {
            None => first = Some(number),
            Some(from) if from != number => {
                nodes[from].after.push(number);
                nodes[number].before += 1;
            }
            Some(_) => {}
        }
    }
    if first.is_some() {
        return Err(Error::message("the number of words is odd: expected pairs"));
    }
    let mut ready: VecDeque<usize> =
        (0..nodes.len()).filter(|&number| nodes[number].before == 0).collect();
    let mut left = nodes.len();
    while left > 0 {
        let Some(number) = ready.pop_front() else {
            let broken = break_cycle(cx, &mut nodes);
            ready.push_back(broken);
            continue;
        };
        if std::mem::replace(&mut nodes[number].done, true) {
            continue;
        }
        left -= 1;
        cx.stdout.put(&nodes[number].name)?;
        cx.stdout.put(b"\n")?;
        for after in std::mem::take(&mut nodes[number].after) {
            nodes[after].before = nodes[after].before.saturating_sub(1);
            if nodes[after].before == 0 && !nodes[after].done {
                ready.push_back(after);
            }
        }
    }
    Ok(cx.status())
}

/// Finds a cycle, reports it, and returns the node to go on with.
fn break_cycle(cx: &mut Context<'_>, nodes: &mut [Node]) -> usize {
    let start = nodes.iter().position(|node| !node.done).expect("nodes are left");
    // Every node that is left has a predecessor that is left: going back must come to a cycle.
    let predecessor = |number: usize| {
        (0..nodes.len())
            .find(|&other| !nodes[other].done && nodes[other].after.contains(&number))
            .unwrap_or(number)
    };
    let mut seen = vec![start];
    let cycle = loop {
        let next = predecessor(*seen.last().expect("begins with one"));
        if let Some(at) = seen.iter().position(|&number| number == next) {
            break seen[at..].to_vec();
        }
        seen.push(next);
    };
    cx.report(&Error::message("the input contains a loop:"));
    for &number in cycle.iter().rev() {
        cx.warn(&Error::Bytes(nodes[number].name.clone()));
    }
    let broken = *cycle.last().expect("a cycle has nodes");
    nodes[broken].before = 0;
    broken
}
