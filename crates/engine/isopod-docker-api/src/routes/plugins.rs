//! Plugins: there are none.

use crate::call::{Call, Reply};
use crate::error::{ApiError, ApiResult};

/// `GET /plugins`.
pub(crate) async fn list(_call: Call) -> ApiResult<Reply> {
    Reply::ok(&[(); 0])
}

/// A plugin by name.
pub(crate) async fn missing(call: Call) -> ApiResult<Reply> {
    Err(ApiError::not_found(format!("plugin \"{}\" not found", call.name)))
}

/// Installing one.
pub(crate) async fn refuse(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::not_implemented("plugins are not supported by isopod"))
}
