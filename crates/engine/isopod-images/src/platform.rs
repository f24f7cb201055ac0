//! Platforms: their normal form, and which image of an index suits one best.
//!
//! The rules are containerd's, which docker's follow.

use isopod_oci::image::{Descriptor, Index, Platform};

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid platform {0:?}: expected os/architecture or os/architecture/variant, such as linux/arm64/v8"
)]
pub struct InvalidPlatform(pub String);

/// The platform of this machine.
#[must_use]
pub fn host() -> Platform {
    normalize(Platform {
        os: "linux".to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        ..Platform::default()
    })
}

/// Reads `os/architecture/variant`, `os/architecture`, or an architecture alone.
pub fn parse(text: &str) -> Result<Platform, InvalidPlatform> {
    let invalid = || InvalidPlatform(text.chars().take(80).collect());
    let parts: Vec<&str> = text.split('/').collect();
    let fits = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    if !parts.iter().all(fits) {
        return Err(invalid());
    }
    let platform = |os: &str, architecture: &str, variant: Option<&str>| {
        normalize(Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
            ..Platform::default()
        })
    };
    match parts[..] {
        ["linux"] => Ok(Platform { os: "linux".to_owned(), ..host() }),
        [architecture] => Ok(platform("linux", architecture, None)),
        [os, architecture] => Ok(platform(os, architecture, None)),
        [os, architecture, variant] => Ok(platform(os, architecture, Some(variant))),
        _ => Err(invalid()),
    }
}

/// `os/architecture` or `os/architecture/variant`.
#[must_use]
pub fn format(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = platform.variant.as_deref().filter(|v| !v.is_empty()) {
        text.push('/');
        text.push_str(variant);
    }
    text
}

/// One spelling for each platform: Go's names, no variant that says the default.
#[must_use]
pub fn normalize(mut platform: Platform) -> Platform {
    platform.os = platform.os.to_lowercase();
    if platform.os.is_empty() {
        "linux".clone_into(&mut platform.os);
    } else if platform.os == "macos" {
        "darwin".clone_into(&mut platform.os);
    }
    let variant = platform.variant.take().unwrap_or_default().to_lowercase();
    let (architecture, variant) = match platform.architecture.to_lowercase().as_str() {
        "i386" | "i486" | "i586" | "i686" | "x86" | "386" => ("386".to_owned(), String::new()),
        "x86_64" | "x86-64" | "amd64" => {
            ("amd64".to_owned(), if variant == "v1" { String::new() } else { variant })
        }
        "aarch64" | "arm64" => (
            "arm64".to_owned(),
            if matches!(variant.as_str(), "8" | "v8") { String::new() } else { variant },
        ),
        "armhf" => ("arm".to_owned(), "v7".to_owned()),
        "armel" => ("arm".to_owned(), "v6".to_owned()),
        "arm" => (
            "arm".to_owned(),
            match variant.as_str() {
                "" | "7" => "v7".to_owned(),
                "5" | "6" | "8" => format!("v{variant}"),
                _ => variant,
            },
        ),
        "riscv64gc" => ("riscv64".to_owned(), variant),
        "powerpc64le" => ("ppc64le".to_owned(), variant),
        other => (other.to_owned(), variant),
    };
    platform.architecture = architecture;
    platform.variant = (!variant.is_empty()).then_some(variant);
    platform
}

/// How well something for `offered` runs on `wanted`: 0 is exact, more is worse, nothing is
/// not at all.
#[must_use]
pub fn rank(wanted: &Platform, offered: &Platform) -> Option<usize> {
    let (wanted, offered) = (normalize(wanted.clone()), normalize(offered.clone()));
    if wanted.os != offered.os {
        return None;
    }
    runnable(&wanted).iter().position(|(architecture, variant)| {
        offered.architecture == *architecture
            && offered.variant.as_deref().unwrap_or_default() == variant
    })
}

/// Architectures and variants that a machine runs, the best first.
fn runnable(platform: &Platform) -> Vec<(&str, String)> {
    let variant = platform.variant.as_deref().unwrap_or_default();
    let arm = |from: u32| (5..=from).rev().map(|v| ("arm", format!("v{v}")));
    match platform.architecture.as_str() {
        "amd64" => {
            let level = variant
                .strip_prefix('v')
                .and_then(|level| level.parse::<u32>().ok())
                .unwrap_or(1)
                .clamp(1, 9);
            let mut all: Vec<_> = (2..=level).rev().map(|v| ("amd64", format!("v{v}"))).collect();
            all.extend([("amd64", String::new()), ("386", String::new())]);
            all
        }
        "arm64" => {
            let mut all = vec![("arm64", variant.to_owned())];
            if !variant.is_empty() {
                all.push(("arm64", String::new()));
            }
            all.extend(arm(8));
            all
        }
        "arm" => {
            let level = variant
                .strip_prefix('v')
                .and_then(|level| level.parse::<u32>().ok())
                .unwrap_or(7)
                .clamp(5, 8);
            arm(level).collect()
        }
        other => {
            let mut all = vec![(other, variant.to_owned())];
            if !variant.is_empty() {
                all.push((other, String::new()));
            }
            all
        }
    }
}

/// The manifest of `index` that suits `wanted` best; the first of several that suit equally.
/// Manifests without a platform suit nothing here, and attestations never do.
#[must_use]
pub fn select<'a>(index: &'a Index, wanted: &Platform) -> Option<&'a Descriptor> {
    index
        .manifests
        .iter()
        .filter(|manifest| !is_attestation(manifest))
        .filter_map(|manifest| {
            let rank = rank(wanted, manifest.platform.as_ref()?)?;
            Some((rank, manifest))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, manifest)| manifest)
}

/// Whether a manifest only says something about another one of its index (BuildKit's form).
#[must_use]
pub fn is_attestation(manifest: &Descriptor) -> bool {
    manifest.annotations.contains_key("vnd.docker.reference.type")
        || manifest.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_have_one_form() {
        let cases = [
            ("linux/x86_64", "linux/amd64"),
            ("amd64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("Linux/i686", "linux/386"),
        ];
        for (text, expected) in cases {
            assert_eq!(format(&parse(text).expect(text)), expected, "{text}");
        }
        for bad in ["", "/", "linux/", "a/b/c/d", "linux/a b"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_machine_runs_what_is_older() {
        let rank =
            |wanted, offered| rank(&parse(wanted).expect("valid"), &parse(offered).expect("valid"));
        assert_eq!(rank("linux/amd64", "linux/amd64"), Some(0));
        assert_eq!(rank("linux/amd64", "linux/386"), Some(1));
        assert_eq!(rank("linux/amd64", "linux/amd64/v3"), None);
        assert_eq!(rank("linux/amd64/v3", "linux/amd64/v2"), Some(1));
        assert_eq!(rank("linux/arm/v6", "linux/arm/v7"), None);
        assert_eq!(rank("linux/arm/v7", "linux/arm/v5"), Some(2));
        assert!(rank("linux/arm64", "linux/arm/v7") > rank("linux/arm64", "linux/arm64"));
        assert_eq!(rank("linux/amd64", "windows/amd64"), None);
    }
}
