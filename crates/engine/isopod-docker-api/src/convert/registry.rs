//! Credentials.

use crate::error::{ApiError, ApiResult};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use isopod_docker_types::AuthConfig;
use isopod_engine::RegistryAuth;

/// Credentials of a client; `None` when there are none in it.
pub(crate) fn auth(config: AuthConfig) -> ApiResult<Option<RegistryAuth>> {
    let (mut username, mut password) = (config.username, config.password);
    if username.is_empty() && !config.auth.is_empty() {
        let bad = || {
            ApiError::bad_request(
                "invalid auth configuration: \"auth\" must be base64 of user:password",
            )
        };
        let decoded = STANDARD.decode(config.auth.trim()).map_err(|_| bad())?;
        let text = String::from_utf8(decoded).map_err(|_| bad())?;
        let (user, secret) = text.split_once(':').ok_or_else(bad)?;
        (username, password) = (user.to_owned(), secret.trim_end_matches('\0').to_owned());
    }
    let auth = RegistryAuth {
        username,
        password,
        identity_token: config.identity_token,
        registry_token: config.registry_token,
        server_address: config.server_address,
    };
    let anonymous = auth.username.is_empty()
        && auth.identity_token.is_empty()
        && auth.registry_token.is_empty();
    Ok((!anonymous).then_some(auth))
}
