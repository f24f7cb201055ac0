//! `.dockerignore`: which files of a context are left out.

use crate::pattern::{Pattern, PatternError};

/// A `.dockerignore` that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// A line is no pattern.
    #[error("line {line} of .dockerignore: {source}")]
    Pattern {
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: PatternError,
    },
    /// A `!` alone.
    #[error("line {line} of .dockerignore: illegal exclusion pattern \"!\": a pattern must follow")]
    Bare {
        /// Line, from 1.
        line: usize,
    },
}

/// A list of patterns; the last one that matches decides.
#[derive(Debug, Clone, Default)]
pub struct IgnoreList {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    /// Components of the pattern, to know whether something below a directory may match it.
    parts: Vec<String>,
    keep: bool,
}

impl IgnoreList {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut list = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            list.add(line, index + 1)?;
        }
        Ok(list)
    }

    /// A list of patterns that did not come from a file.
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Self, IgnoreError> {
        let mut list = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            list.add(pattern.as_ref(), index + 1)?;
        }
        Ok(list)
    }

    fn add(&mut self, line: &str, number: usize) -> Result<(), IgnoreError> {
        let line = line.trim();
        let (keep, body) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if body.is_empty() {
            return if keep { Err(IgnoreError::Bare { line: number }) } else { Ok(()) };
        }
        let clean = clean(body);
        if clean == "." {
            return Ok(());
        }
        let pattern = Pattern::ignore(&clean)
            .map_err(|source| IgnoreError::Pattern { line: number, source })?;
        let parts = clean.split('/').map(str::to_owned).collect();
        self.rules.push(Rule { pattern, parts, keep });
        Ok(())
    }

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a path (relative to the context, without a leading slash) is left out: by a
    /// pattern that matches it or one of the directories above it.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        let mut excluded = false;
        for rule in &self.rules {
            // A rule that would change nothing need not be looked at.
            if rule.keep != excluded {
                continue;
            }
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            if ends.into_iter().any(|end| rule.pattern.matches(&path[..end])) {
                excluded = !rule.keep;
            }
        }
        excluded
    }

    /// Whether nothing below an excluded directory can be kept after all, so that it need not
    /// be entered.
    #[must_use]
    pub fn skips_all_below(&self, directory: &str) -> bool {
        let directory: Vec<&str> =
            directory.trim_matches('/').split('/').filter(|part| !part.is_empty()).collect();
        !self.rules.iter().filter(|rule| rule.keep).any(|rule| {
            // A wildcard may stand for any component, `**` for any number of them.
            for (index, part) in directory.iter().enumerate() {
                match rule.parts.get(index) {
                    None => return true,
                    Some(own) if own.contains("**") => return true,
                    Some(own) if Pattern::ignore(own).is_ok_and(|p| p.matches(part)) => {}
                    Some(_) => return false,
                }
            }
            true
        })
    }
}

/// The path without `.`, doubled slashes and what `..` takes back.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_docker() {
        for (file, path, excluded) in [
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("**/*.md", "docs/README.md", true),
            ("docs", "docs/a/b", true),
            ("docs/", "docs/a", true),
            ("/docs", "docs/a", true),
            ("*.md\n!README.md", "README.md", false),
            ("!README.md\n*.md", "README.md", true),
            ("*\n!src", "src/a.c", false),
            ("*\n!src", "other", true),
            ("# comment\n\n  \nx", "# comment", false),
            ("*/temp*", "a/temporary", true),
            ("*/temp*", "temporary", false),
            ("temp?", "tempa", true),
            ("./a", "a", true),
            ("a/../b", "b", true),
            (".", "b", false),
            ("node_modules\n!node_modules/keep", "node_modules/keep/x", false),
            ("node_modules\n!node_modules/keep", "node_modules/drop", true),
            ("**", "a/b", true),
            ("[a-c].txt", "b.txt", true),
        ] {
            let list = IgnoreList::parse(file).expect(file);
            assert_eq!(list.excludes(path), excluded, "{file:?} {path}");
        }
        assert!(IgnoreList::parse("a\n!").is_err());
        assert!(IgnoreList::parse("[a").is_err());
    }

    #[test]
    fn directories_that_need_not_be_entered() {
        let list = IgnoreList::parse("*\n!src/keep\n!lib/**/x").expect("valid");
        for (directory, skipped) in [
            ("src", false),
            ("src/keep", false),
            ("src/other", true),
            ("doc", true),
            ("lib/a", false),
        ] {
            assert_eq!(list.skips_all_below(directory), skipped, "{directory}");
        }
    }
}
