//! Expanding variables and quotes in a word, by the rules of the Dockerfile language.

use crate::pattern::Pattern;

/// A word that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to process \"{word}\": {reason}")]
pub struct LexError {
    /// The word.
    pub word: String,
    /// What is wrong.
    pub reason: String,
}

/// Where variables come from.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Deepest nesting of `${a:-${b:-…}}`.
const DEPTH: usize = 64;

/// Expands words.
#[derive(Debug, Clone, Copy)]
pub struct Lex {
    /// The escape character of the file.
    pub escape: char,
    /// Whether quotes stay as they are, as in here-documents.
    pub raw_quotes: bool,
}

impl Lex {
    /// The usual rules, with the file's escape character.
    #[must_use]
    pub fn new(escape: char) -> Self {
        Self { escape, raw_quotes: false }
    }

    /// For the content of here-documents: quotes mean nothing there.
    #[must_use]
    pub fn heredoc(escape: char) -> Self {
        Self { escape, raw_quotes: true }
    }

    /// Expands to one word.
    pub fn word(&self, word: &str, lookup: Lookup<'_>) -> Result<String, LexError> {
        Ok(self.expand(word, lookup)?.text)
    }

    /// Expands, and divides at blanks outside of quotes.
    pub fn words(&self, word: &str, lookup: Lookup<'_>) -> Result<Vec<String>, LexError> {
        let mut expanded = self.expand(word, lookup)?;
        expanded.end_word();
        Ok(expanded.words)
    }

    fn expand(&self, word: &str, lookup: Lookup<'_>) -> Result<Expanded, LexError> {
        let mut state = State { lex: *self, rest: word.chars().collect(), at: 0, lookup, depth: 0 };
        let mut out = Expanded::default();
        state.until(None, &mut out).map_err(|reason| LexError { word: word.to_owned(), reason })?;
        Ok(out)
    }
}

/// What came out so far.
#[derive(Default)]
struct Expanded {
    text: String,
    words: Vec<String>,
    /// The word that is being made, if one is.
    word: Option<String>,
}

impl Expanded {
    /// Text that may hold blanks that divide words.
    fn bare(&mut self, text: &str) {
        self.text.push_str(text);
        for c in text.chars() {
            if c.is_whitespace() {
                self.end_word();
            } else {
                self.word.get_or_insert_default().push(c);
            }
        }
    }

    /// Text of which blanks are a part.
    fn quoted(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.get_or_insert_default().push_str(text);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }
}

struct State<'a> {
    lex: Lex,
    rest: Vec<char>,
    at: usize,
    lookup: Lookup<'a>,
    depth: usize,
}

impl State<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    /// Reads until `stop` (which is taken) or, without one, to the end.
    fn until(&mut self, stop: Option<char>, out: &mut Expanded) -> Result<(), String> {
        while let Some(c) = self.next() {
            if Some(c) == stop {
                return Ok(());
            }
            match c {
                '\'' if !self.lex.raw_quotes => self.single_quote(out)?,
                '"' if !self.lex.raw_quotes => self.double_quote(out)?,
                '$' => {
                    let value = self.dollar()?;
                    out.bare(&value);
                }
                c if c == self.lex.escape => match self.next() {
                    // In a here-document only a dollar or the escape itself needs one.
                    Some(next) if self.lex.raw_quotes && next != '$' && next != c => {
                        out.quoted(&format!("{c}{next}"));
                    }
                    Some(next) => out.quoted(next.encode_utf8(&mut [0; 4])),
                    None => out.quoted(c.encode_utf8(&mut [0; 4])),
                },
                c => out.bare(c.encode_utf8(&mut [0; 4])),
            }
        }
        match stop {
            None => Ok(()),
            Some(stop) => {
                Err(format!("unexpected end of statement while looking for matching {stop}"))
            }
        }
    }

    fn single_quote(&mut self, out: &mut Expanded) -> Result<(), String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('\'') => break,
                Some(c) => text.push(c),
                None => {
                    return Err(
                        "unexpected end of statement while looking for matching single-quote"
                            .to_owned(),
                    );
                }
            }
        }
        out.quoted(&text);
        Ok(())
    }

    fn double_quote(&mut self, out: &mut Expanded) -> Result<(), String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => break,
                Some('$') => text.push_str(&self.dollar()?),
                Some(c) if c == self.lex.escape => match self.peek() {
                    // Only these are escaped between double quotes; others keep the backslash.
                    Some(next) if next == '"' || next == '$' || next == c => {
                        text.push(next);
                        self.at += 1;
                    }
                    _ => text.push(c),
                },
                Some(c) => text.push(c),
                None => {
                    return Err(
                        "unexpected end of statement while looking for matching double-quote"
                            .to_owned(),
                    );
                }
            }
        }
        out.quoted(&text);
        Ok(())
    }

    /// What stands behind a dollar.
    fn dollar(&mut self) -> Result<String, String> {
        if self.peek() != Some('{') {
            let name = self.name();
            return Ok(if name.is_empty() {
                "$".to_owned()
            } else {
                (self.lookup)(&name).unwrap_or_default()
            });
        }
        self.at += 1;
        if self.depth >= DEPTH {
            return Err(format!("substitutions are nested deeper than {DEPTH}"));
        }
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            _ => {}
        }
        let name = self.name();
        let value = (self.lookup)(&name);
        let Some(c) = self.next() else {
            return Err("syntax error: missing '}'".to_owned());
        };
        match c {
            '}' => Ok(value.unwrap_or_default()),
            ':' => {
                let modifier = self.next().ok_or("syntax error: missing modifier")?;
                if !matches!(modifier, '+' | '-' | '?') {
                    return Err(format!("unsupported modifier ({modifier}) in substitution"));
                }
                self.conditional(&name, modifier, value.filter(|value| !value.is_empty()))
            }
            '+' | '-' | '?' => self.conditional(&name, c, value),
            '#' | '%' => {
                let greedy = self.peek() == Some(c);
                self.at += usize::from(greedy);
                let pattern = self.inner('}')?;
                trim(&value.unwrap_or_default(), &pattern, c == '#', greedy)
            }
            '/' => {
                let all = self.peek() == Some('/');
                self.at += usize::from(all);
                let pattern = self.inner('/')?;
                let replacement = self.inner('}')?;
                replace(&value.unwrap_or_default(), &pattern, &replacement, all)
            }
            other => Err(format!("unsupported modifier ({other}) in substitution")),
        }
    }

    /// `${x:-word}` and its like; `value` is absent where the condition does not hold.
    fn conditional(
        &mut self,
        name: &str,
        modifier: char,
        value: Option<String>,
    ) -> Result<String, String> {
        let word = self.inner('}')?;
        match (modifier, value) {
            ('+', Some(_)) | ('-', None) => Ok(word),
            ('+', None) => Ok(String::new()),
            ('?', None) if word.is_empty() => Err(format!("{name}: parameter not set or null")),
            ('?', None) => Err(format!("{name}: {word}")),
            (_, Some(value)) => Ok(value),
            _ => Err(format!("unsupported modifier ({modifier}) in substitution")),
        }
    }

    /// An operand within braces, expanded itself.
    fn inner(&mut self, stop: char) -> Result<String, String> {
        self.depth += 1;
        let mut out = Expanded::default();
        let outcome = self.until(Some(stop), &mut out);
        self.depth -= 1;
        outcome.map(|()| out.text).map_err(|reason| {
            if reason.ends_with(&format!("matching {stop}")) {
                format!("syntax error: missing '{stop}'")
            } else {
                reason
            }
        })
    }

    fn name(&mut self) -> String {
        let start = self.at;
        match self.peek() {
            Some(c) if c.is_alphabetic() || c == '_' => {
                while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    self.at += 1;
                }
            }
            Some(c) if c.is_ascii_digit() => {
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '!' | '0') => self.at += 1,
            _ => {}
        }
        self.rest[start..self.at].iter().collect()
    }
}

/// `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`.
fn trim(value: &str, pattern: &str, front: bool, greedy: bool) -> Result<String, String> {
    let compiled = Pattern::shell(pattern).map_err(|error| error.to_string())?;
    if front {
        let lengths = compiled.prefixes(value);
        let cut = if greedy { lengths.last() } else { lengths.first() };
        return Ok(value[cut.copied().unwrap_or(0)..].to_owned());
    }
    let starts = value.char_indices().map(|(at, _)| at).chain([value.len()]);
    let mut fitting = starts.filter(|&start| compiled.matches(&value[start..]));
    let cut = if greedy { fitting.next() } else { fitting.next_back() };
    Ok(value[..cut.unwrap_or(value.len())].to_owned())
}

/// `${x/p/r}` and `${x//p/r}`.
fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> Result<String, String> {
    let compiled = Pattern::shell(pattern).map_err(|error| error.to_string())?;
    let mut out = String::new();
    let mut at = 0;
    while at < value.len() {
        let longest = compiled.prefixes(&value[at..]).pop().filter(|length| *length > 0);
        match longest {
            Some(length) => {
                out.push_str(replacement);
                at += length;
                if !all {
                    break;
                }
            }
            None => {
                let c = value[at..].chars().next().expect("not at the end");
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    out.push_str(&value[at.min(value.len())..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "x" => Some("value".into()),
            "empty" => Some(String::new()),
            "path" => Some("/a/b/c.tar.gz".into()),
            "two" => Some("a b".into()),
            _ => None,
        }
    }

    #[test]
    fn words_expand() {
        for (word, expected) in [
            ("$x", "value"),
            ("${x}", "value"),
            ("a${x}b", "avalueb"),
            ("$nope.", "."),
            ("'$x'", "$x"),
            ("\"$x\"", "value"),
            ("\\$x", "$x"),
            ("\"\\$x\"", "$x"),
            ("\"a\\b\"", "a\\b"),
            ("${x:-d}", "value"),
            ("${nope:-d}", "d"),
            ("${empty:-d}", "d"),
            ("${empty-d}", ""),
            ("${nope-d}", "d"),
            ("${x:+d}", "d"),
            ("${empty:+d}", ""),
            ("${empty+d}", "d"),
            ("${nope:-${x:+in}}", "in"),
            ("${nope:-$x}", "value"),
            ("${x:?no}", "value"),
            ("${path#*/}", "a/b/c.tar.gz"),
            ("${path##*/}", "c.tar.gz"),
            ("${path%.*}", "/a/b/c.tar"),
            ("${path%%.*}", "/a/b/c"),
            ("${path/b/X}", "/a/X/c.tar.gz"),
            ("${path//\\//-}", "-a-b-c.tar.gz"),
            ("${x/nope/y}", "value"),
            ("$", "$"),
            ("a$", "a$"),
            ("$.", "$."),
            ("$1", ""),
            ("it\\'s", "it's"),
        ] {
            assert_eq!(Lex::new('\\').word(word, &lookup).expect(word), expected, "{word}");
        }
    }

    #[test]
    fn what_cannot_be_expanded() {
        for (word, reason) in [
            ("${x", "syntax error: missing '}'"),
            ("${", "syntax error: missing '}'"),
            ("${}", "syntax error: bad substitution"),
            ("${x:", "syntax error: missing modifier"),
            ("${x:=y}", "unsupported modifier (=) in substitution"),
            ("${nope:?is missing}", "nope: is missing"),
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("\"a", "unexpected end of statement while looking for matching double-quote"),
        ] {
            let error = Lex::new('\\').word(word, &lookup).expect_err(word);
            assert_eq!(error.reason, reason, "{word}");
        }
        let deep = "${a:-".repeat(1000);
        assert!(Lex::new('\\').word(&deep, &lookup).is_err());
    }

    #[test]
    fn words_divide() {
        for (word, expected) in [
            ("$two c", &["a", "b", "c"][..]),
            ("\"$two\" c", &["a b", "c"]),
            ("a\\ b", &["a b"]),
            ("'' x", &["", "x"]),
        ] {
            assert_eq!(Lex::new('\\').words(word, &lookup).expect(word), expected, "{word}");
        }
    }

    #[test]
    fn another_escape() {
        assert_eq!(Lex::new('`').word("c:\\a`$x", &lookup).expect("valid"), "c:\\a$x");
        assert_eq!(
            Lex::heredoc('\\').word("\"$x\" \\$x \\n", &lookup).expect("valid"),
            "\"value\" $x \\n"
        );
    }
}
