//! Swarm's endpoints, answered as by an engine that is in no swarm.

use crate::call::{Call, Reply};
use crate::error::{ApiError, ApiResult};
use http::StatusCode;

/// What only a swarm's manager can do.
pub(crate) async fn not_manager(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
    ))
}

/// What only a member can do.
pub(crate) async fn not_member(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "This node is not part of a swarm"))
}

/// Becoming a member.
pub(crate) async fn unsupported(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::not_implemented("swarm mode is not supported by isopod"))
}
