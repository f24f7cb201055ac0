//! gRPC over HTTP/2: framing, status, and which handler a call goes to. Leaner than a general
//! stack: a unary call is one future, and its answer one data frame and one of trailers.

mod body;
mod frame;
mod incoming;
mod serve;
mod status;

pub(crate) use body::ResponseBody;
pub(crate) use frame::{PREFIX, decode, encode};
pub(crate) use incoming::Requests;
pub(crate) use serve::{is_grpc, serve};
pub(crate) use status::{Code, Status};
