//! Certificates' files. A key is written before its certificate, so that a certificate without a
//! key is never there; renewing keeps the key, so that it is one replaced file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use isopod_base::files::replace;
use isopod_base::times::Timestamp;
use isopod_certificates::{Authority, Request};
use isopod_tls::SideFiles;

/// Everybody may read certificates.
const PUBLIC: u32 = 0o644;
/// Nobody else may read keys.
const PRIVATE: u32 = 0o600;

/// What became of a file.
pub(super) enum Made {
    /// It is new.
    Created(PathBuf),
    /// It has another end.
    Renewed(PathBuf),
    /// It is as it was.
    Kept(PathBuf),
}

/// Writes a new authority.
pub(super) fn install_authority(
    authority: &Authority,
    certificate: &Path,
    key: &Path,
) -> Result<Vec<Made>> {
    if key.exists() {
        bail!(
            "{} is there, but not its certificate {}: restore that, or remove the key",
            key.display(),
            certificate.display()
        );
    }
    make_parent(certificate)?;
    replace(key, authority.key().as_bytes(), PRIVATE)?;
    replace(certificate, authority.certificate().as_bytes(), PUBLIC)?;
    Ok(vec![Made::Created(certificate.to_owned()), Made::Created(key.to_owned())])
}

/// Writes the files of one side, unless it has a certificate already.
pub(super) fn install(
    authority: &Authority,
    request: &Request,
    files: &SideFiles,
    now: Timestamp,
) -> Result<Vec<Made>> {
    make_parent(&files.authority)?;
    let mut made = vec![];
    if files.authority.exists() {
        check_authority(authority, files)?;
    } else {
        replace(&files.authority, authority.certificate().as_bytes(), PUBLIC)?;
        made.push(Made::Created(files.authority.clone()));
    }
    if files.certificate.exists() {
        made.push(Made::Kept(files.certificate.clone()));
        return Ok(made);
    }
    if files.key.exists() {
        bail!(
            "{} is there, but not its certificate {}: move the key away",
            files.key.display(),
            files.certificate.display()
        );
    }
    let issued = authority.issue(request, now)?;
    replace(&files.key, issued.key.as_bytes(), PRIVATE)?;
    replace(&files.certificate, issued.certificate.as_bytes(), PUBLIC)?;
    made.push(Made::Created(files.certificate.clone()));
    made.push(Made::Created(files.key.clone()));
    Ok(made)
}

/// Signs a side's certificate anew.
pub(super) fn replace_certificate(
    authority: &Authority,
    request: &Request,
    files: &SideFiles,
    now: Timestamp,
) -> Result<Made> {
    let certificate = authority.renew(request, &files.key, now)?;
    replace(&files.certificate, certificate.as_bytes(), PUBLIC)?;
    Ok(Made::Renewed(files.certificate.clone()))
}

/// Refuses files that belong to another authority.
pub(super) fn check_authority(authority: &Authority, files: &SideFiles) -> Result<()> {
    let path = &files.authority;
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    if text.trim() != authority.certificate().trim() {
        bail!(
            "{} is another authority's: it may be needed for another engine, so give another \
             directory (--client-dir)",
            path.display()
        );
    }
    Ok(())
}

fn make_parent(path: &Path) -> Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))
}
