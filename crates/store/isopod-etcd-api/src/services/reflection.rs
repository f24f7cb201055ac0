//! gRPC's standard service for clients that do not have the protocol's files.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, FileDescriptor};
use tokio::sync::mpsc;

use crate::descriptors::pool;
use crate::grpc::{Code, Requests, Status, decode, encode};
use crate::method::{Call, Replies};
use crate::standard::reflection::server_reflection_request::MessageRequest;
use crate::standard::reflection::server_reflection_response::MessageResponse;
use crate::standard::reflection::{
    ErrorResponse, FileDescriptorResponse, ListServiceResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse,
};

pub(crate) async fn info(_: Call, mut requests: Requests) -> Result<Replies, Status> {
    let (replies, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let reply = match requests.next().await {
                Ok(None) => return,
                Ok(Some(request)) => decode(request).map(|request| encode(&answer(request))),
                Err(status) => Err(status),
            };
            let failed = reply.is_err();
            if replies.send(reply).await.is_err() || failed {
                return;
            }
        }
    });
    Ok(answers)
}

fn answer(request: ServerReflectionRequest) -> ServerReflectionResponse {
    let pool = pool();
    let response = match &request.message_request {
        Some(MessageRequest::ListServices(_)) => Ok(services(pool)),
        Some(MessageRequest::FileByFilename(name)) => {
            pool.get_file_by_name(name).map(|file| files(&file)).ok_or("no such file")
        }
        Some(MessageRequest::FileContainingSymbol(symbol)) => {
            file_of(pool, symbol).map(|file| files(&file)).ok_or("no such symbol")
        }
        _ => Err("the files have no extensions"),
    };
    let response = response.unwrap_or_else(|reason| {
        MessageResponse::ErrorResponse(ErrorResponse {
            error_code: Code::NotFound as i32,
            error_message: reason.to_owned(),
        })
    });
    ServerReflectionResponse {
        valid_host: request.host.clone(),
        original_request: Some(request),
        message_response: Some(response),
    }
}

fn services(pool: &DescriptorPool) -> MessageResponse {
    let service =
        pool.services().map(|it| ServiceResponse { name: it.full_name().to_owned() }).collect();
    MessageResponse::ListServicesResponse(ListServiceResponse { service })
}

fn file_of(pool: &DescriptorPool, symbol: &str) -> Option<FileDescriptor> {
    if let Some(service) = pool.get_service_by_name(symbol) {
        return Some(service.parent_file());
    }
    if let Some(message) = pool.get_message_by_name(symbol) {
        return Some(message.parent_file());
    }
    if let Some(kind) = pool.get_enum_by_name(symbol) {
        return Some(kind.parent_file());
    }
    // A method or field: the file is that of what it belongs to.
    file_of(pool, symbol.rsplit_once('.')?.0)
}

/// A file with all that it imports.
fn files(file: &FileDescriptor) -> MessageResponse {
    let mut found = BTreeMap::new();
    let mut open = vec![file.clone()];
    while let Some(file) = open.pop() {
        if found.insert(file.name().to_owned(), file.encode_to_vec()).is_none() {
            open.extend(file.dependencies());
        }
    }
    let wanted = found.remove(file.name());
    let files = wanted.into_iter().chain(found.into_values()).collect();
    MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto: files })
}
