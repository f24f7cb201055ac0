//! Between the protocol's messages and the store's types, at the edge and nowhere else.

mod request;
mod response;
mod txn;

pub(crate) use request::{delete_request, put_request, range_request};
pub(crate) use response::{
    delete_response, event, key_value, put_response, range_response, txn_response,
};
pub(crate) use txn::txn_request;
