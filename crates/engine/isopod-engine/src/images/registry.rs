//! Questions to registries that move no content.

use super::names;
use crate::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::model::RegistryAuth;
use isopod_oci::image::{Index, Platform, media_type};
use isopod_registry::{Credentials, DEFAULT_DOMAIN, Reference, Repository};

/// Largest configuration of an image that is read.
pub(super) const MAX_CONFIG_BYTES: usize = 8 << 20;

impl RegistryAuth {
    /// As the registry client takes them; none when all is empty.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let username = self.username.clone();
        if !self.registry_token.is_empty() {
            Some(Credentials::RegistryToken(self.registry_token.clone()))
        } else if !self.identity_token.is_empty() {
            Some(Credentials::IdentityToken { username, token: self.identity_token.clone() })
        } else if !username.is_empty() || !self.password.is_empty() {
            Some(Credentials::Basic { username, password: self.password.clone() })
        } else {
            None
        }
    }
}

impl Engine {
    /// A repository in its registry.
    pub(super) fn remote(&self, reference: &Reference, auth: Option<&RegistryAuth>) -> Repository {
        let credentials = auth.and_then(RegistryAuth::credentials);
        self.image_service.client.repository(reference, credentials)
    }

    /// Checks credentials; returns an identity token or an empty text.
    pub async fn check_login(&self, auth: RegistryAuth) -> Result<String> {
        let domain = domain_of(&auth.server_address);
        let login = self.image_service.client.login(domain, auth.credentials()).await?;
        Ok(login.identity_token.unwrap_or_default())
    }

    /// Manifest descriptor (media type, digest, size) and platforms (`os/arch/variant`) of what
    /// the registry has under a name.
    pub async fn inspect_distribution(
        &self,
        reference: &str,
        auth: Option<RegistryAuth>,
    ) -> Result<((String, String, u64), Vec<String>)> {
        let reference = names::parse(reference)?.with_default_tag();
        let remote = self.remote(&reference, auth.as_ref());
        let document = remote.manifest(&reference).await?;
        let descriptor = document.descriptor();
        let platforms = if media_type::is_index(&document.media_type) {
            let index = Index::parse(&document.bytes).map_err(Error::invalid)?;
            index
                .manifests
                .iter()
                .filter_map(|one| one.platform.as_ref())
                .map(platform_text)
                .collect()
        } else {
            let manifest =
                isopod_oci::image::Manifest::parse(&document.bytes).map_err(Error::invalid)?;
            let bytes = remote.fetch_blob(&manifest.config, MAX_CONFIG_BYTES).await?;
            match isopod_oci::image::ImageConfig::parse(&bytes) {
                Ok(config) if !config.platform.os.is_empty() => {
                    vec![platform_text(&config.platform)]
                }
                _ => Vec::new(),
            }
        };
        let digest = descriptor.digest.to_string();
        Ok(((descriptor.media_type, digest, descriptor.size), platforms))
    }

    /// Docker's search asks Docker Hub's web site, not a registry; there is nothing like it.
    pub async fn search_images(&self, term: &str) -> Result<()> {
        Err(Error::new(
            ErrorKind::NotImplemented,
            format_args!(
                "cannot search for {term:?}: registries have no search, and isopod does not ask \
                 Docker Hub's web site; look the name up there and pull it"
            ),
        ))
    }
}

/// `https://index.docker.io/v1/` and an empty text mean Docker Hub.
fn domain_of(server: &str) -> &str {
    let server = server.trim();
    let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://"));
    match rest.unwrap_or(server).split('/').next() {
        None | Some("" | "index.docker.io" | "registry-1.docker.io") => DEFAULT_DOMAIN,
        Some(domain) => domain,
    }
}

/// `linux/arm/v7`.
pub(crate) fn platform_text(platform: &Platform) -> String {
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = platform.variant.as_deref().filter(|variant| !variant.is_empty()) {
        text.push('/');
        text.push_str(variant);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_in_many_ways() {
        for hub in ["", "https://index.docker.io/v1/", "docker.io", "index.docker.io"] {
            assert_eq!(domain_of(hub), "docker.io", "{hub:?}");
        }
        assert_eq!(domain_of("https://reg.example:5000/v2/"), "reg.example:5000");
        assert_eq!(domain_of("localhost:5000"), "localhost:5000");
    }
}
