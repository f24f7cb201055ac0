//! Dockerfiles, `.dockerignore` and words with variables: an answer for any input, and errors
//! whose place is in the text.
#![no_main]

use isopod_dockerfile::{Dockerfile, IgnoreList, Lex, parse_mount};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = Dockerfile::parse("Dockerfile", text) {
        assert!(error.place.line <= text.lines().count() + 1);
        let _ = error.to_string();
    }
    if let Ok(list) = IgnoreList::parse(text) {
        let _ = list.excludes("a/b.c") || list.skips_all_below("a");
    }
    let _ = parse_mount(text);
    let lookup = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
    let _ = Lex::new('\\').words(text, &lookup);
    let _ = Lex::heredoc('`').word(text, &lookup);
});
