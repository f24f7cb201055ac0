//! Lists of images.

use super::names;
use crate::Engine;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::model::{Filters, ImageSummary, ListImages};
use isopod_base::times::Timestamp;
use isopod_images::{Image, Images};
use isopod_registry::Reference;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Images, the newest first.
    pub async fn images(&self, options: ListImages) -> Result<Vec<ImageSummary>> {
        let store = Images::clone(self.images_store());
        let used = self.image_uses();
        blocking(move || {
            let all = store.list()?;
            let filter = Filter::read(&options.filters, &all, &store)?;
            let shared = if options.shared_size { shared_layers(&all) } else { BTreeMap::new() };
            let mut listed: Vec<ImageSummary> = all
                .iter()
                .filter_map(|image| filter.apply(image))
                .map(|(image, names)| {
                    let mut summary = summarize(image, &names);
                    summary.containers =
                        options.shared_size.then(|| used.get(&summary.id).map_or(0, Vec::len));
                    summary.shared_bytes = options.shared_size.then(|| {
                        image
                            .diff_ids
                            .iter()
                            .zip(isopod_images::chain_ids(&image.diff_ids))
                            .filter(|(_, chain)| shared.get(chain).is_some_and(|count| *count > 1))
                            .filter_map(|(_, chain)| {
                                store.snapshots().usage(&chain.to_string()).ok()
                            })
                            .map(|usage| usage.bytes)
                            .sum()
                    });
                    summary
                })
                .collect();
            listed.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
            Ok(listed)
        })
        .await
    }
}

/// How many images stand on each chain of layers.
fn shared_layers(all: &[Image]) -> BTreeMap<isopod_base::Digest, usize> {
    let mut counts = BTreeMap::new();
    for image in all {
        for chain in isopod_images::chain_ids(&image.diff_ids) {
            *counts.entry(chain).or_default() += 1;
        }
    }
    counts
}

/// An image as a list shows it, under some of its canonical names.
pub(super) fn summarize(image: &Image, names: &[String]) -> ImageSummary {
    let parsed: Vec<Reference> =
        names.iter().filter_map(|name| Reference::parse(name).ok()).collect();
    let repo_tags =
        parsed.iter().filter(|name| name.tag().is_some()).map(Reference::familiar).collect();
    let digests: BTreeSet<String> = parsed
        .iter()
        .map(|name| name.with_digest(image.target.digest.clone()).familiar())
        .collect();
    ImageSummary {
        id: image.id.to_string(),
        repo_tags,
        repo_digests: digests.into_iter().collect(),
        created: created(image),
        size_bytes: image.size,
        shared_bytes: None,
        labels: image.config.config.labels.clone(),
        containers: None,
    }
}

/// When the image says that it was made.
pub(super) fn created(image: &Image) -> Option<Timestamp> {
    image.config.created.as_deref().and_then(|text| Timestamp::parse(text).ok())
}

/// Docker's filters of `images`.
#[derive(Default)]
pub(super) struct Filter {
    references: Vec<String>,
    labels: Vec<(String, Option<String>)>,
    without_labels: Vec<(String, Option<String>)>,
    dangling: Option<bool>,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Filter {
    fn read(filters: &Filters, all: &[Image], store: &isopod_images::Images) -> Result<Self> {
        let mut filter = Self::default();
        for (key, values) in filters {
            for value in values {
                match key.as_str() {
                    "reference" => filter.references.push(value.clone()),
                    "before" | "since" => {
                        let image = names::find(store, value, None)?;
                        let when = created(&image);
                        if key == "before" { filter.before = when } else { filter.since = when }
                    }
                    _ => filter.common(key, value)?,
                }
            }
        }
        let _ = all;
        Ok(filter)
    }

    /// The filters that lists and prunes share.
    pub(super) fn common(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "label" => self.labels.push(label(value)),
            "label!" => self.without_labels.push(label(value)),
            "dangling" => {
                self.dangling = Some(match value {
                    "true" | "1" | "t" | "True" | "TRUE" | "T" => true,
                    "false" | "0" | "f" | "False" | "FALSE" | "F" => false,
                    _ => {
                        return Err(Error::invalid(format_args!(
                            "invalid filter 'dangling=[{value}]'"
                        )));
                    }
                });
            }
            "until" => self.until = Some(moment(value)?),
            _ => return Err(Error::invalid(format_args!("invalid filter '{key}'"))),
        }
        Ok(())
    }

    pub(super) fn dangling(&self) -> Option<bool> {
        self.dangling
    }

    /// Whether all but names and `dangling` is as asked for.
    pub(super) fn accepts(&self, image: &Image) -> bool {
        let labels = &image.config.config.labels;
        let has = |(key, value): &(String, Option<String>)| {
            labels.get(key).is_some_and(|own| value.as_ref().is_none_or(|value| value == own))
        };
        let when = created(image);
        self.labels.iter().all(has)
            && !self.without_labels.iter().any(has)
            && self.before.is_none_or(|limit| when.is_some_and(|when| when < limit))
            && self.since.is_none_or(|limit| when.is_some_and(|when| when > limit))
            && self.until.is_none_or(|limit| when.is_none_or(|when| when < limit))
    }

    /// The names under which the image is to be listed; none when it is not to be.
    fn apply<'a>(&self, image: &'a Image) -> Option<(&'a Image, Vec<String>)> {
        let dangling = image.names.is_empty();
        if !self.accepts(image) || self.dangling.is_some_and(|wanted| wanted != dangling) {
            return None;
        }
        if self.references.is_empty() {
            return Some((image, image.names.clone()));
        }
        let wanted = |name: &&String| self.references.iter().any(|pattern| matches(pattern, name));
        let names: Vec<String> = image.names.iter().filter(wanted).cloned().collect();
        (!names.is_empty()).then_some((image, names))
    }
}

/// `key` or `key=value`.
fn label(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// A date, seconds since 1970, or a duration before now.
fn moment(text: &str) -> Result<Timestamp> {
    if let Ok(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(Timestamp::from_nanos((seconds * 1e9) as i128));
    }
    match isopod_base::units::parse_duration(text) {
        Ok(ago) => Ok(Timestamp::from_nanos(Timestamp::now().nanos() - ago.as_nanos() as i128)),
        Err(_) => Err(Error::invalid(format_args!(
            "invalid filter 'until={text}': expected a date, seconds since 1970 or a duration such as 24h"
        ))),
    }
}

/// Whether a canonical name is meant by a pattern of short names.
fn matches(pattern: &str, name: &str) -> bool {
    let Ok(reference) = Reference::parse(name) else { return false };
    let familiar = reference.familiar();
    glob(pattern.as_bytes(), familiar.as_bytes())
        || glob(pattern.as_bytes(), reference.familiar_name().as_bytes())
}

/// Shell patterns as Go's `path.Match` reads them: `*` and `?` stop at a slash.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else { return text.is_empty() };
    match first {
        b'*' => {
            let reach = text.iter().position(|&byte| byte == b'/').unwrap_or(text.len());
            (0..=reach).any(|taken| glob(rest, &text[taken..]))
        }
        b'?' => text.first().is_some_and(|&byte| byte != b'/') && glob(rest, &text[1..]),
        b'[' => match (class(rest, text.first().copied()), text.split_first()) {
            (Some((true, rest)), Some((_, text))) => glob(rest, text),
            _ => false,
        },
        b'\\' if !rest.is_empty() => text.first() == rest.first() && glob(&rest[1..], &text[1..]),
        _ => text.first() == Some(&first) && glob(rest, &text[1..]),
    }
}

/// Whether a byte is in the class that `pattern` begins with, and what follows the class.
fn class(pattern: &[u8], byte: Option<u8>) -> Option<(bool, &[u8])> {
    let byte = byte?;
    let (negated, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut found = false;
    loop {
        match rest {
            [b']', after @ ..] => return Some((found != negated, after)),
            [low, b'-', high, after @ ..] if *high != b']' => {
                found |= (*low..=*high).contains(&byte);
                rest = after;
            }
            [one, after @ ..] => {
                found |= *one == byte;
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_docker() {
        let check = |pattern: &str, name: &str| matches(pattern, name);
        assert!(check("debian", "docker.io/library/debian:12"));
        assert!(check("debian:1*", "docker.io/library/debian:12"));
        assert!(check("*/app", "docker.io/team/app:1"));
        assert!(check("deb?an:[0-9]2", "docker.io/library/debian:12"));
        assert!(!check("*", "docker.io/team/app:1"), "a star stops at a slash");
        assert!(!check("debian:[^1]2", "docker.io/library/debian:12"));
        assert!(!check("debian:[", "docker.io/library/debian:12"));
        assert!(!check("deb", "docker.io/library/debian:12"));
    }

    #[test]
    fn moments_are_read_in_three_forms() {
        assert_eq!(moment("1700000000").map(|m| m.seconds()).ok(), Some(1_700_000_000));
        assert!(moment("24h").is_ok_and(|m| m < Timestamp::now()));
        assert!(moment("2024-01-02T03:04:05Z").is_ok());
        assert!(moment("soon").is_err());
    }
}
