//! Whatever the input, the parser answers, and never panics.

use isopod_dockerfile::{Dockerfile, IgnoreList, Lex, parse_instruction, parse_mount};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_text_is_answered(text in "(?s).{0,300}") {
        let _ = Dockerfile::parse("Dockerfile", &text);
        let _ = IgnoreList::parse(&text).map(|list| list.excludes("a/b/c"));
        let _ = parse_mount(&text);
        let _ = parse_instruction("x", &text, '\\');
        let _ = Lex::new('\\').words(&text, &|_| Some("v".to_owned()));
    }

    #[test]
    fn likely_text_is_answered(
        lines in proptest::collection::vec(
            "(FROM|RUN|COPY|ENV|ARG|LABEL|HEALTHCHECK|ONBUILD|SHELL|VOLUME) ?(--[a-z]{1,6}(=[a-z$\"']{0,4})?){0,2} ?[a-z\\[\\]\"'$ {}:#%/\\\\<=-]{0,20}",
            0..8,
        )
    ) {
        let text = format!("FROM a\n{}", lines.join("\n"));
        if let Err(error) = Dockerfile::parse("Dockerfile", &text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
