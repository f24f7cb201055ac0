//! Repository chores: `cargo xtask tidy`, `cargo xtask size`.

mod graph;
mod size;
mod sources;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  tidy    Check what the compiler does not: layers, the dependency graph, unsafe code,
          module documentation, sizes of files. UPDATE_EXPECT=1 rewrites the golden graph.
  size    Build the toolbox and print what each of its parts adds to the binary.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy(),
        ["size"] => size::report(&root()).map(|text| print(&text)),
        ["help" | "--help" | "-h"] => {
            print(USAGE);
            Ok(())
        }
        _ => Err(anyhow::anyhow!("expected one command\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Runs every check and reports all findings together.
fn tidy() -> Result<()> {
    let root = root();
    let graph = graph::Graph::load(&root)?;
    let files = sources::rust_files(&root)?;
    let mut findings = graph.check_layers();
    findings.extend(graph.check_names());
    findings.extend(graph.check_golden(&root)?);
    for file in &files {
        findings.extend(file.check());
    }
    let lines: usize = files.iter().map(|file| file.lines).sum();
    print(&format!(
        "tidy: {} crates, {} files, {lines} lines; the largest:\n",
        graph.len(),
        files.len()
    ));
    for file in sources::largest(&files, 8) {
        print(&format!("  {:>5}  {}\n", file.lines, file.path.display()));
    }
    if findings.is_empty() {
        print("tidy: clean\n");
        return Ok(());
    }
    bail!("{} findings\n  {}", findings.len(), findings.join("\n  "))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

#[allow(clippy::print_stdout, reason = "printing is what this program is for")]
fn print(text: &str) {
    print!("{text}");
}
