//! Expressions against texts, dialect by dialect.

use isobox_regex::{Options, Regex, Syntax, TooComplex};

const PLAIN: Options = Options {
    ignore_case: false,
    newline: false,
    line_anchors: false,
    utf8: false,
    bracket_escapes: false,
    word: false,
    line: false,
};

/// What the first match is, as `0-3 1-2 -`: the whole, then the groups.
fn first(pattern: &[u8], text: &[u8], syntax: Syntax, options: Options) -> String {
    let regex = match Regex::new(pattern, syntax, options) {
        Ok(regex) => regex,
        Err(error) => return format!("error: {error}"),
    };
    let groups = regex.groups_at(text, 0).expect("in time");
    assert_eq!(regex.is_match(text), Ok(groups.is_some()));
    assert_eq!(regex.find_at(text, 0), Ok(groups.as_ref().and_then(|groups| groups[0])));
    let Some(groups) = groups else { return "none".to_owned() };
    let shown = groups.iter().map(|group| match group {
        Some((start, end)) => format!("{start}-{end}"),
        None => "-".to_owned(),
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn check(syntax: Syntax, options: Options, cases: &[(&str, &str, &str)]) {
    for (pattern, text, expected) in cases {
        let found = first(pattern.as_bytes(), text.as_bytes(), syntax, options);
        assert_eq!(found, *expected, "{syntax:?} {pattern:?} on {text:?}");
    }
}

#[test]
fn basic() {
    check(
        Syntax::Basic,
        PLAIN,
        &[
            ("a.c", "xabcx", "1-4"),
            ("*a", "x*ax", "1-3"),
            ("\\(*a\\)", "*a", "0-2 0-2"),
            ("^*a", "*a", "0-2"),
            ("a^b$c", "a^b$c", "0-5"),
            ("a\\{2,3\\}", "caaaa", "1-4"),
            ("a\\{2\\}", "ca", "none"),
            ("a\\{,2\\}b", "aaab", "1-4"),
            ("a\\{2,\\}", "caaaa", "1-5"),
            ("a\\{2", "aa", "error: Unmatched \\{"),
            ("a\\{3,2\\}", "aa", "error: Invalid content of \\{\\}"),
            ("a\\+b\\?", "xaab", "1-4"),
            ("a|b", "a|b", "0-3"),
            ("a\\|b", "b", "0-1"),
            ("\\(a\\)\\(b\\)*", "abb", "0-3 0-1 2-3"),
            ("\\(a*\\)b\\1", "aabaa", "0-5 0-2"),
            ("\\(a*\\)b\\1", "aaba", "1-4 1-2"),
            ("\\(a", "a", "error: Unmatched ( or \\("),
            ("a\\)", "a", "error: Unmatched ) or \\)"),
            ("a\\", "a", "error: Trailing backslash"),
            ("\\1", "a", "error: Invalid back reference"),
            ("[]a]*", "a]b", "0-2"),
            ("[^]a]", "a]b", "2-3"),
            ("[a-c-]*", "a-cd", "0-3"),
            ("[\\n]*", "\\nx", "0-2"),
            ("[[:digit:][:upper:]]*", "A1b", "0-2"),
            ("[[:foo:]]", "a", "error: Invalid character class name"),
            ("[a", "a", "error: Unmatched [, [^, [:, [., or [="),
            ("[c-a]", "a", "error: Invalid range end"),
            ("[[.-.]a]*", "-a", "0-2"),
            ("[[=a=]b]*", "ab", "0-2"),
            ("\\<b", "ab b", "3-4"),
            ("b\\>", "ba b", "3-4"),
            ("\\bab\\b", "cab ab", "4-6"),
            ("\\w\\+\\W", "ab_1-", "0-5"),
            ("a*", "baaa", "0-0"),
            ("x*$", "aax", "2-3"),
            ("", "abc", "0-0"),
            ("\\(^a\\)", "ab", "0-1 0-1"),
            ("a\\|^b", "cb", "none"),
            ("a$\\|b", "ab", "1-2"),
        ],
    );
}

#[test]
fn extended_is_leftmost_longest() {
    check(
        Syntax::Extended,
        PLAIN,
        &[
            ("x|xyz", "-xyz", "1-4"),
            ("(a|ab)(c|bcd)(d*)", "abcd", "0-4 0-1 1-4 4-4"),
            ("a?(ab)?", "ab", "0-2 0-2"),
            ("(foo|foobar)(bar)?", "foobar", "0-6 0-3 3-6"),
            ("(a*)(b|abc)", "abc", "0-3 0-0 0-3"),
            ("()", "a", "0-0 0-0"),
            ("(a)|b", "b", "0-1 -"),
            ("a||b", "b", "0-1"),
            ("a||b", "c", "0-0"),
            ("*a", "a", "0-1"),
            ("a{1", "a{1", "0-3"),
            ("a{,2}", "aaa", "0-2"),
            ("a{2}{3}", "aaaaaaa", "0-6"),
            ("a**", "aa", "0-2"),
            ("^^a", "a", "0-1"),
            ("a)", "a)", "0-2"),
            ("(a", "a", "error: Unmatched ( or \\("),
            ("(a*)+", "aa", "0-2 0-2"),
            ("(^|x)a", "xa", "0-2 0-1"),
            ("a$|b", "ab", "1-2"),
            ("(.)\\1", "abccd", "2-4 2-3"),
            ("(a|ab)\\1?c", "ababc", "0-5 0-2"),
            ("(a|ab)(bc|c)?\\2", "abcbc", "0-5 0-1 1-3"),
            ("(week|wee)(night|knights)", "weeknights", "0-10 0-3 3-10"),
            ("[0-9]{3}-[0-9]{4}", "tel 555-1234", "4-12"),
            ("a{40000}", "a", "error: Regular expression too big"),
        ],
    );
}

#[test]
fn lines_cases_and_characters() {
    let newline = Options { newline: true, ..PLAIN };
    check(
        Syntax::Extended,
        newline,
        &[("^b$", "a\nb\nc", "2-3"), ("a.b", "a\nb", "none"), ("a[^x]b", "a\nb", "none")],
    );
    check(Syntax::Extended, PLAIN, &[("a.b", "a\nb", "0-3"), ("^b", "a\nb", "none")]);
    let fold = Options { ignore_case: true, ..PLAIN };
    check(
        Syntax::Extended,
        fold,
        &[("aBc", "xAbCx", "1-4"), ("[a-c]+", "ABCD", "0-3"), ("(a)\\1", "aA", "0-2 0-1")],
    );
    let utf8 = Options { utf8: true, ..PLAIN };
    check(
        Syntax::Extended,
        utf8,
        &[
            ("a.c", "aéc", "0-4"),
            ("[é-ö]+", "aéö", "1-5"),
            ("[[:alpha:]]+", "1äß2", "1-5"),
            ("[^a]", "é", "0-2"),
            ("(.)\\1", "éé", "0-4 0-2"),
        ],
    );
    let both = Options { utf8: true, ignore_case: true, ..PLAIN };
    check(Syntax::Extended, both, &[("É", "é", "0-2"), ("[à-ö]", "Ä", "0-2")]);
    assert_eq!(first(b"a.c", b"a\xffc", Syntax::Extended, utf8), "none");
    assert_eq!(first(b"a.c", b"a\xffc", Syntax::Extended, PLAIN), "0-3");
    assert_eq!(first(b"\xff", b"a\xff", Syntax::Basic, utf8), "1-2");
    let awk = Options { bracket_escapes: true, ..PLAIN };
    check(Syntax::Extended, awk, &[("[\\]a]+", "a]b", "0-2"), ("[\\/]", "/", "0-1")]);
}

#[test]
fn perl() {
    check(
        Syntax::Perl,
        PLAIN,
        &[
            ("x|xyz", "-xyz", "1-2"),
            ("a+?", "aaa", "0-1"),
            ("a++a", "aaa", "none"),
            ("(?>a+)b", "aab", "0-3"),
            ("\\d{2,}", "a123", "1-4"),
            ("(?<=a)b", "cbab", "3-4"),
            ("(?<!a)b", "abcb", "3-4"),
            ("(?<=ab|c)d", "cd", "1-2"),
            ("(?<=a+)d", "aad", "error: lookbehind assertion is not fixed length"),
            ("foo(?=bar)", "foo foobar", "4-7"),
            ("foo(?!bar)", "foobar foo", "7-10"),
            ("foo\\Kbar", "foobar", "3-6"),
            ("(?<year>\\d+)-\\k<year>", "12-12", "0-5 0-2"),
            ("(?P<x>a)(?P=x)", "aa", "0-2 0-1"),
            ("(a)\\g{-1}\\g1", "aaa", "0-3 0-1"),
            ("(?i)aB", "Ab", "0-2"),
            ("(?i:a)b", "Ab", "0-2"),
            ("(?i:a)b", "AB", "none"),
            ("(?x) a b # comment", "ab", "0-2"),
            ("(?s)a.b", "a\nb", "0-3"),
            ("a.b", "a\nb", "none"),
            ("a$", "a\n", "0-1"),
            ("a\\z", "a\n", "none"),
            ("\\Qa.b\\E+", "a.bb", "0-4"),
            ("[\\d-]+", "1-2a", "0-3"),
            ("[\\w.]+@\\w+", "me a.b@c", "3-8"),
            ("\\x41\\x{42}\\t", "AB\t", "0-3"),
            ("(a|b)*c", "abac", "0-4 2-3"),
            ("(?:a|b)*+c", "abac", "0-4"),
            ("\\bfoo\\b", "a foo", "2-5"),
            ("(a)|(b)", "b", "0-1 - 0-1"),
            ("*a", "a", "error: quantifier does not follow a repeatable item"),
            ("(a", "a", "error: missing closing parenthesis"),
            ("a)", "a", "error: unmatched closing parenthesis"),
            ("\\2(a)", "a", "error: reference to non-existent subpattern"),
            ("[[:alpha:]_]+", "1a_", "1-3"),
            ("a{,3}b", "aab", "0-3"),
            ("x{a}", "x{a}", "0-4"),
            ("(?=(a))ab", "ab", "0-2 0-1"),
        ],
    );
}

#[test]
fn a_search_goes_on_where_it_is_told() {
    let regex = Regex::new(b"^a|b", Syntax::Extended, PLAIN).expect("an expression");
    assert_eq!(regex.find_at(b"aab", 1), Ok(Some((2, 3))));
    let regex = Regex::new(b"(.)\\1|^x", Syntax::Extended, PLAIN).expect("an expression");
    assert_eq!(regex.find_at(b"xxyy", 1), Ok(Some((2, 4))));
}

#[test]
fn endless_backtracking_is_an_error() {
    let regex = Regex::new(b"(a*)*(b*)*\\1c", Syntax::Perl, PLAIN).expect("an expression");
    assert_eq!(regex.is_match(&[b'a'; 60]), Err(TooComplex));
}

#[test]
fn nesting_is_bounded() {
    let deep = "(".repeat(100_000);
    assert!(Regex::new(deep.as_bytes(), Syntax::Extended, PLAIN).is_err());
    assert!(Regex::new(deep.as_bytes(), Syntax::Perl, PLAIN).is_err());
}

#[test]
fn words_lines_and_several_expressions() {
    let word = Options { word: true, ..PLAIN };
    check(
        Syntax::Extended,
        word,
        &[
            ("a", "ab a", "3-4"),
            ("a|ab", "ab", "0-2"),
            ("b*", "abb bb", "4-6"),
            ("a.", "a.b", "none"),
        ],
    );
    let line = Options { line: true, newline: true, ..PLAIN };
    check(Syntax::Extended, line, &[("a|b", "ab\nb", "3-4"), ("", "a\n\nb", "2-2")]);
    check(Syntax::Fixed, PLAIN, &[("a.*", "aa.*", "1-4"), ("\\", "\\", "0-1")]);
    let newline = Options { newline: true, ..PLAIN };
    check(Syntax::Extended, newline, &[("a\\s*b", "a\nb a b", "4-7"), ("a\\W", "a\na.", "2-4")]);
    let patterns: [&[u8]; 2] = [b"(a)\\1", b"(b)\\1"];
    let regex = Regex::any_of(&patterns, Syntax::Extended, newline).expect("expressions");
    assert_eq!(regex.find_at(b"abb", 0), Ok(Some((1, 3))));
    assert!(regex.matches_by_line());
    let none = Regex::any_of(&[], Syntax::Basic, newline).expect("no expression");
    assert_eq!(none.is_match(b""), Ok(false));
    let whole = Regex::new(b"\\`a", Syntax::Basic, newline).expect("an expression");
    assert!(!whole.matches_by_line());
}

#[test]
fn globs() {
    let matches = |pattern: &str, name: &str| {
        let regex = Regex::new(pattern.as_bytes(), Syntax::Glob, PLAIN).expect("never wrong");
        regex.is_match(name.as_bytes()).expect("in time")
    };
    for (pattern, yes, no) in [
        ("*.c", "a.c", "a.cc"),
        ("a?c", "abc", "ac"),
        ("[!a-c]*", "dx", "ax"),
        ("[]x]", "]", "y"),
        ("a[", "a[", "a"),
        ("\\*", "*", "x"),
        ("*", "", "\n-"),
        ("[[:digit:]]", "1", "a"),
    ] {
        assert!(matches(pattern, yes), "{pattern} {yes}");
        assert!(pattern == "*" || !matches(pattern, no), "{pattern} {no}");
    }
}
