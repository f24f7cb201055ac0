//! Names of images, as far as the command line must understand them. The engine has the last
//! word on what is a valid name.

use anyhow::{Result, anyhow, bail};

/// Splits `repository:tag` (a colon in a host's port is no tag, a digest is none either).
pub(crate) fn split_tag(name: &str) -> (&str, &str) {
    if let Some((repository, digest)) = name.split_once('@') {
        return (repository, digest);
    }
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, ""),
    }
}

/// The name with `:latest` if it has neither tag nor digest.
pub(crate) fn with_tag(name: &str) -> String {
    match split_tag(name) {
        (_, "") => format!("{name}:latest"),
        _ => name.to_owned(),
    }
}

/// Refuses a name that cannot be an image's, in docker's words.
pub(crate) fn check(name: &str) -> Result<()> {
    let wrong = || Err(anyhow!("invalid reference format"));
    let (full, digest) =
        name.split_once('@').map_or((name, None), |(name, hash)| (name, Some(hash)));
    if let Some(digest) = digest {
        let hex = digest.split_once(':').map_or("", |(_, hex)| hex);
        if hex.len() < 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return wrong();
        }
    }
    let (repository, tag) = match full.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (full, None),
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(tag) = tag
        && (tag.is_empty()
            || tag.len() > 128
            || !tag.starts_with(is_word)
            || !tag.chars().all(|c| is_word(c) || c == '.' || c == '-'))
    {
        return wrong();
    }
    let qualified = qualified(repository).1;
    let path = qualified.split_once('/').map_or("", |(_, path)| path);
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        bail!("invalid reference format: repository name ({path}) must be lowercase");
    }
    let is_part = |part: &str| {
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(ends)
            && part.ends_with(ends)
            && part.chars().all(|c| ends(c) || matches!(c, '.' | '_' | '-'))
    };
    if path.is_empty() || path.len() > 255 || !path.split('/').all(is_part) {
        return wrong();
    }
    Ok(())
}

/// The registry that a name leads to, and the full name.
pub(crate) fn qualified(name: &str) -> (String, String) {
    let is_host = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || first.chars().any(char::is_uppercase)
    };
    match name.split_once('/') {
        Some((host, _)) if is_host(host) => {
            let host = if host == "index.docker.io" { "docker.io" } else { host };
            let rest = name.split_once('/').map_or("", |(_, rest)| rest);
            (host.to_owned(), format!("{host}/{rest}"))
        }
        Some(_) => ("docker.io".to_owned(), format!("docker.io/{name}")),
        None => ("docker.io".to_owned(), format!("docker.io/library/{name}")),
    }
}

/// The name that people type: without docker's default registry and its `library`.
pub(crate) fn familiar(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    match name.strip_prefix("library/") {
        Some(short) if !short.contains('/') => short,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(split_tag("a/b:1"), ("a/b", "1"));
        assert_eq!(split_tag("host:5000/b"), ("host:5000/b", ""));
        assert_eq!(split_tag("b@sha256:ab"), ("b", "sha256:ab"));
        assert_eq!(with_tag("host:5000/b"), "host:5000/b:latest");
        assert_eq!(qualified("debian:12").1, "docker.io/library/debian:12");
        assert_eq!(qualified("me/x").1, "docker.io/me/x");
        assert_eq!(
            qualified("localhost:5000/x"),
            ("localhost:5000".into(), "localhost:5000/x".into())
        );
        assert_eq!(familiar("docker.io/library/debian:12"), "debian:12");
        assert_eq!(familiar("docker.io/me/x"), "me/x");
    }

    #[test]
    fn what_is_no_name() {
        let hash = "a".repeat(64);
        for name in ["a", "a:1", "h:5/a/b_c.d-e:V1.0", &format!("a@sha256:{hash}"), "localhost/a"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", ":1", "a:", "a b", "a//b", "a@sha256:12", "-a", "a:-x", "a/", "a@b"] {
            assert!(check(name).is_err(), "{name}");
        }
        assert_eq!(
            check("UPPER").expect_err("upper case").to_string(),
            "invalid reference format: repository name (library/UPPER) must be lowercase"
        );
    }
}
