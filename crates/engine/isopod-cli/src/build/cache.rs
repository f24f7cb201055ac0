//! `--cache-from` and `--cache-to`.

use anyhow::{Result, bail};

/// Where steps are taken from or kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the image itself.
    Inline,
    /// An image in a registry, or here.
    Image(String),
    /// A directory.
    Directory(String),
}

/// Reads one value of either flag.
pub(super) fn parse(flag: &str, text: &str) -> Result<Place> {
    if !text.contains('=') {
        if flag == "cache-to" && text == "inline" {
            return Ok(Place::Inline);
        }
        return Ok(Place::Image(text.to_owned()));
    }
    let (mut kind, mut reference, mut directory) = ("", None, None);
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("type", value)) => kind = value,
            Some(("ref", value)) => reference = Some(value),
            Some(("src" | "dest", value)) => directory = Some(value),
            Some(("mode", "min")) => {}
            Some(("mode", "max")) => bail!(
                "--{flag} {text}: mode=max is not supported: the steps that lead to the image are kept (mode=min)"
            ),
            _ => bail!("--{flag} {text}: unknown field {field:?}"),
        }
    }
    match (kind, reference, directory) {
        ("inline", None, None) => Ok(Place::Inline),
        ("registry", Some(reference), None) => Ok(Place::Image(reference.to_owned())),
        ("local", None, Some(directory)) => Ok(Place::Directory(directory.to_owned())),
        ("registry", ..) => bail!("--{flag} {text}: expected ref=IMAGE"),
        ("local", ..) => bail!("--{flag} {text}: expected src=DIRECTORY or dest=DIRECTORY"),
        (other, ..) => {
            bail!(
                "--{flag} {text}: type {other:?} is not supported: expected inline, registry or local"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (flag, text, place) in [
            ("cache-from", "app:v1", Place::Image("app:v1".into())),
            ("cache-from", "type=registry,ref=r:5000/c", Place::Image("r:5000/c".into())),
            ("cache-from", "type=local,src=/c", Place::Directory("/c".into())),
            ("cache-to", "type=local,dest=/c,mode=min", Place::Directory("/c".into())),
            ("cache-to", "type=inline", Place::Inline),
            ("cache-to", "inline", Place::Inline),
        ] {
            assert_eq!(parse(flag, text).expect(text), place, "{text}");
        }
        for text in ["type=gha", "type=registry", "type=local,dest=/c,mode=max", "type=inline,x=y"]
        {
            assert!(parse("cache-to", text).is_err(), "{text}");
        }
    }
}
