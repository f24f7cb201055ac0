//! Between JSON and encoded messages, by the descriptions of the messages.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde::Deserializer;
use serde_json::{Value, json};

use crate::descriptors;
use crate::grpc::{Code, Status};
use crate::method::Method;

/// Turns the messages of one method.
#[derive(Clone)]
pub(crate) struct Transcoder {
    input: MessageDescriptor,
    output: MessageDescriptor,
}

impl Transcoder {
    pub(crate) fn of(method: &Method) -> Self {
        let (service, name) = method.names();
        let service = descriptors::pool().get_service_by_name(service);
        let method = service.and_then(|it| it.methods().find(|method| method.name() == name));
        let method = method.expect("a test holds the methods against their descriptions");
        Self { input: method.input(), output: method.output() }
    }

    /// An encoded message from a whole body; an empty one is an empty message.
    pub(crate) fn request(&self, body: &[u8]) -> Result<Bytes, Status> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Bytes::new());
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let message = self.message(&mut json)?;
        json.end().map_err(|error| invalid(&error))?;
        Ok(message)
    }

    /// An encoded message from JSON. Fields that the message does not have are ignored, as etcd
    /// does.
    pub(crate) fn message<'de, D>(&self, json: D) -> Result<Bytes, Status>
    where
        D: Deserializer<'de>,
        D::Error: std::fmt::Display,
    {
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        let message = DynamicMessage::deserialize_with_options(self.input.clone(), json, &options);
        Ok(message.map_err(|error| invalid(&error))?.encode_to_vec().into())
    }

    /// The JSON of an encoded answer.
    pub(crate) fn answer(&self, message: &[u8]) -> Result<Bytes, Status> {
        let mut json = Vec::with_capacity(message.len() * 2);
        self.write(message, &mut json)?;
        Ok(json.into())
    }

    /// The line of an encoded answer of a stream.
    pub(crate) fn line(&self, message: &[u8]) -> Result<Bytes, Status> {
        let mut json = b"{\"result\":".to_vec();
        self.write(message, &mut json)?;
        json.extend_from_slice(b"}\n");
        Ok(json.into())
    }

    fn write(&self, message: &[u8], json: &mut Vec<u8>) -> Result<(), Status> {
        let internal = |error: &dyn std::fmt::Display| {
            Status::new(Code::Internal, format!("the answer cannot be written: {error}"))
        };
        let message = DynamicMessage::decode(self.output.clone(), message)
            .map_err(|error| internal(&error))?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        message
            .serialize_with_options(&mut serde_json::Serializer::new(json), &options)
            .map_err(|error| internal(&error))
    }
}

/// An error as the answer to a call.
pub(crate) fn error(status: &Status) -> Bytes {
    let message = Value::from(&*status.message);
    let code = status.code as u8;
    format!("{{\"error\":{message},\"code\":{code},\"message\":{message}}}").into()
}

/// An error as the last line of a stream.
pub(crate) fn error_line(status: &Status) -> Bytes {
    let http = status.code.http_status();
    let reason = http::StatusCode::from_u16(http).ok().and_then(|it| it.canonical_reason());
    let line = json!({ "error": {
        "grpc_code": status.code as u8,
        "http_code": http,
        "message": status.message,
        "http_status": reason.unwrap_or_default(),
    } });
    format!("{line}\n").into()
}

fn invalid(error: &dyn std::fmt::Display) -> Status {
    Status::new(Code::InvalidArgument, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::by_http_path;

    fn round_trip(path: &str, json: &str) -> Result<Vec<u8>, String> {
        let transcoder = Transcoder::of(by_http_path(path).unwrap());
        transcoder.request(json.as_bytes()).map(Vec::from).map_err(|it| it.message.into_owned())
    }

    #[test]
    fn requests_by_either_name_with_numbers_as_strings() {
        let by_name =
            round_trip("/v3/kv/range", r#"{"key":"YQ==","range_end":"Yg==","limit":"2"}"#);
        let by_json = round_trip("/v3/kv/range", r#"{"key":"YQ==","rangeEnd":"Yg==","limit":2}"#);
        assert_eq!(by_name.unwrap(), b"\x0a\x01a\x12\x01b\x18\x02");
        assert_eq!(by_json.unwrap(), b"\x0a\x01a\x12\x01b\x18\x02");
        assert_eq!(round_trip("/v3/kv/range", "").unwrap(), b"");
        assert_eq!(round_trip("/v3/kv/range", r#"{"unheard":1}"#).unwrap(), b"");
        assert!(round_trip("/v3/kv/range", "{\"key\":").is_err());
        assert!(round_trip("/v3/kv/range", "{} {}").is_err());
    }

    #[test]
    fn answers_leave_out_what_is_empty() {
        let transcoder = Transcoder::of(by_http_path("/v3/lease/grant").unwrap());
        let answer = transcoder.answer(b"\x10\x07\x18\x0a").unwrap();
        assert_eq!(answer, r#"{"ID":"7","TTL":"10"}"#);
        assert_eq!(transcoder.line(b"").unwrap(), "{\"result\":{}}\n");
    }
}
