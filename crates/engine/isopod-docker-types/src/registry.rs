//! Registries: credentials, configuration, and what a registry says of an image.

use crate::go::{is_empty, null_if_empty};
use std::collections::BTreeMap;

document! {
    "lowercase";

    /// Credentials: the `X-Registry-Auth` header (base64url JSON) and the body of `POST /auth`.
    pub struct AuthConfig {
        /// User.
        #[serde(skip_serializing_if = "is_empty")]
        pub username: String,
        /// Password.
        #[serde(skip_serializing_if = "is_empty")]
        pub password: String,
        /// Base64 of `user:password`.
        #[serde(skip_serializing_if = "is_empty")]
        pub auth: String,
        /// Legacy.
        #[serde(skip_serializing_if = "is_empty")]
        pub email: String,
        /// Registry.
        #[serde(rename = "serveraddress", skip_serializing_if = "is_empty")]
        pub server_address: String,
        /// Refresh token.
        #[serde(rename = "identitytoken", skip_serializing_if = "is_empty")]
        pub identity_token: String,
        /// Bearer token.
        #[serde(rename = "registrytoken", skip_serializing_if = "is_empty")]
        pub registry_token: String,
    }
}

document! {
    /// The answer to `POST /auth`.
    pub struct AuthResponse {
        /// Refresh token, if the registry gave one.
        pub identity_token: String,
        /// `Login Succeeded`.
        pub status: String,
    }

    /// `GET /distribution/{name}/json`.
    pub struct DistributionInspect {
        /// The manifest or index.
        pub descriptor: Descriptor,
        /// Its platforms.
        pub platforms: Vec<Platform>,
    }

    /// The registry configuration in `GET /info`.
    pub struct RegistryServiceConfig {
        /// Networks whose registries may be spoken to without TLS.
        #[serde(rename = "InsecureRegistryCIDRs")]
        pub insecure_registry_cidrs: Vec<String>,
        /// Known registries.
        pub index_configs: BTreeMap<String, IndexInfo>,
        /// Mirrors of the default registry.
        #[serde(serialize_with = "null_if_empty")]
        pub mirrors: Vec<String>,
    }

    /// A known registry.
    pub struct IndexInfo {
        /// Host.
        pub name: String,
        /// Mirrors.
        pub mirrors: Vec<String>,
        /// Whether it must be spoken to by TLS with a valid certificate.
        pub secure: bool,
        /// Whether it is the default one.
        pub official: bool,
    }
}

document! {
    "camelCase";

    /// An OCI descriptor.
    pub struct Descriptor {
        /// Media type.
        pub media_type: String,
        /// Digest.
        pub digest: String,
        /// Bytes.
        pub size: i64,
        /// Where else it is.
        #[serde(skip_serializing_if = "is_empty")]
        pub urls: Vec<String>,
        /// Annotations.
        #[serde(skip_serializing_if = "is_empty")]
        pub annotations: BTreeMap<String, String>,
        /// Platform.
        #[serde(skip_serializing_if = "is_empty")]
        pub platform: Option<Platform>,
        /// Type of an artifact.
        #[serde(skip_serializing_if = "is_empty")]
        pub artifact_type: String,
    }

    /// An OCI platform.
    pub struct Platform {
        /// `amd64`, ...
        pub architecture: String,
        /// `linux`.
        pub os: String,
        /// Windows only.
        #[serde(rename = "os.version", skip_serializing_if = "is_empty")]
        pub os_version: String,
        /// Windows only.
        #[serde(rename = "os.features", skip_serializing_if = "is_empty")]
        pub os_features: Vec<String>,
        /// `v7`, ...
        #[serde(skip_serializing_if = "is_empty")]
        pub variant: String,
    }
}
