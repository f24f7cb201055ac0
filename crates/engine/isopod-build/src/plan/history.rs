//! What an image's history says of an instruction, in the words of docker's own builder.

/// A Go slice of strings, each quoted: `["a" "b"]`.
pub(super) fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", words.join(" "))
}

/// An instruction that runs nothing.
pub(super) fn nop(shell: &[String], what: &str) -> String {
    format!("{} #(nop) {what}", shell.join(" "))
}

/// A command with the arguments that it saw.
pub(super) fn run(args: &[String], build_args: &[String]) -> String {
    let command = args.join(" ");
    if build_args.is_empty() {
        return command;
    }
    format!("|{} {} {command}", build_args.len(), build_args.join(" "))
}
