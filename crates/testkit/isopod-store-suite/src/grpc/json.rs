//! Messages as JSON for people: fields by their own names, bytes as text, numbers as numbers.

use anyhow::{Context, Result, bail};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::{Map, Value as Json, json};

/// Marks bytes that are no text.
const HEX: &str = "hex:";

/// Reads a message of a type.
pub(crate) fn read(descriptor: MessageDescriptor, text: &str) -> Result<DynamicMessage> {
    let document: Json = serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?;
    message(descriptor, &document)
}

fn message(descriptor: MessageDescriptor, document: &Json) -> Result<DynamicMessage> {
    let Json::Object(fields) = document else {
        bail!("{}: expected an object, not {document}", descriptor.name());
    };
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, value) in fields {
        let field = descriptor
            .get_field_by_name(name)
            .with_context(|| format!("{} has no field {name:?}", descriptor.name()))?;
        let value = match value {
            Json::Array(items) if field.is_list() => {
                let items = items.iter().map(|item| read_one(&field, item));
                Value::List(items.collect::<Result<_>>()?)
            }
            _ => read_one(&field, value)?,
        };
        message.try_set_field(&field, value).with_context(|| format!("field {name:?}"))?;
    }
    Ok(message)
}

fn read_one(field: &FieldDescriptor, value: &Json) -> Result<Value> {
    let read = match (field.kind(), value) {
        (Kind::Message(inner), _) => Some(Value::Message(message(inner, value)?)),
        (Kind::Bytes, Json::String(text)) => Some(Value::Bytes(bytes(text)?.into())),
        (Kind::String, Json::String(text)) => Some(Value::String(text.clone())),
        (Kind::Bool, Json::Bool(flag)) => Some(Value::Bool(*flag)),
        (Kind::Enum(all), Json::String(name)) => {
            all.get_value_by_name(name).map(|value| Value::EnumNumber(value.number()))
        }
        (Kind::Enum(_), _) => value.as_i64().and_then(|n| n.try_into().ok()).map(Value::EnumNumber),
        (Kind::Int64, _) => value.as_i64().map(Value::I64),
        (Kind::Uint64, _) => value.as_u64().map(Value::U64),
        (Kind::Int32, _) => value.as_i64().and_then(|n| n.try_into().ok()).map(Value::I32),
        (Kind::Uint32, _) => value.as_u64().and_then(|n| n.try_into().ok()).map(Value::U32),
        _ => None,
    };
    read.with_context(|| format!("field {:?}: {value} is no {:?}", field.name(), field.kind()))
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let Some(digits) = text.strip_prefix(HEX) else { return Ok(text.as_bytes().to_vec()) };
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect::<Option<Vec<u8>>>()
        .with_context(|| format!("no hexadecimal digits: {digits:?}"))
}

/// A message as a document, without fields that have their default.
pub(crate) fn document(message: &DynamicMessage) -> Json {
    let fields: Map<String, Json> = message
        .fields()
        .map(|(field, value)| (field.name().to_owned(), written(&field, value)))
        .collect();
    Json::Object(fields)
}

fn written(field: &FieldDescriptor, value: &Value) -> Json {
    match value {
        Value::Bool(flag) => json!(flag),
        Value::I32(number) => json!(number),
        Value::I64(number) => json!(number),
        Value::U32(number) => json!(number),
        Value::U64(number) => json!(number),
        Value::F32(number) => json!(number),
        Value::F64(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!(bytes.iter().fold(HEX.to_owned(), |text, b| format!("{text}{b:02x}"))),
        },
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(all) => all.get_value(*number).map_or(json!(number), |v| json!(v.name())),
            _ => json!(number),
        },
        Value::Message(message) => document(message),
        Value::List(items) => items.iter().map(|item| written(field, item)).collect(),
        Value::Map(_) => Json::Null,
    }
}
