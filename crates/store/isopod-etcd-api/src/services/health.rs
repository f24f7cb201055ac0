//! gRPC's standard service for health.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::grpc::{Code, Status, encode};
use crate::method::{Call, Replies, has_service};
use crate::standard::health::health_check_response::ServingStatus;
use crate::standard::health::{HealthCheckRequest, HealthCheckResponse};

/// How often a watched answer is looked at again.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn check(
    call: Call,
    request: HealthCheckRequest,
) -> Result<HealthCheckResponse, Status> {
    let status = status(&call, &request.service);
    if status == ServingStatus::ServiceUnknown {
        return Err(Status::new(Code::NotFound, "unknown service"));
    }
    Ok(HealthCheckResponse { status: status.into() })
}

pub(crate) async fn watch(call: Call, request: HealthCheckRequest) -> Result<Replies, Status> {
    let (replies, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut told = None;
        loop {
            let status = status(&call, &request.service);
            if told.replace(status) != Some(status) {
                let answer = HealthCheckResponse { status: status.into() };
                if replies.send(Ok(encode(&answer))).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = replies.closed() => return,
            }
        }
    });
    Ok(answers)
}

fn status(call: &Call, service: &str) -> ServingStatus {
    if !service.is_empty() && !has_service(service) {
        return ServingStatus::ServiceUnknown;
    }
    match call.api.store.status().leader {
        0 => ServingStatus::NotServing,
        _ => ServingStatus::Serving,
    }
}
