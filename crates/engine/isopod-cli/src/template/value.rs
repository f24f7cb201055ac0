//! Values that templates look at: JSON documents whose members keep their order, and columns.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A large whole number.
    Uint(u64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Members in the order of the document.
    Map(Vec<(String, Value)>),
    /// A method with one argument that picks a member: `{{.Label "maintainer"}}`.
    Lookup(Vec<(String, Value)>),
}

impl Value {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A member of a map, if it has it. `ID` and `Id` stand for each other, as documents say
    /// `Id` where Go's types, and with them docker's templates, say `ID`.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        let Self::Map(members) = self else { return None };
        let find = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        find(name).or_else(|| match name {
            "ID" => find("Id"),
            "Id" => find("ID"),
            // Events and some others have small initials where Go's types have capitals.
            _ => find(&small_initial(name)?),
        })
    }

    /// What `if`, `and` and `or` take for true.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(on) => *on,
            Self::Int(number) => *number != 0,
            Self::Uint(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(members) | Self::Lookup(members) => !members.is_empty(),
        }
    }

    /// Go's name for its type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nil",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) | Self::Lookup(_) => "map[string]interface {}",
        }
    }

    /// Members sorted by name, as Go walks maps.
    pub(crate) fn sorted_members(&self) -> Vec<(&str, &Value)> {
        let Self::Map(members) = self else { return vec![] };
        let mut members: Vec<_> =
            members.iter().map(|(key, value)| (key.as_str(), value)).collect();
        members.sort_by_key(|(key, _)| *key);
        members
    }
}

fn small_initial(name: &str) -> Option<String> {
    let first = name.chars().next().filter(char::is_ascii_uppercase)?;
    Some(format!("{}{}", first.to_ascii_lowercase(), &name[1..]))
}

/// What Go prints for a member that is `null`: its documents know the type, ours the name only.
pub(super) fn null_text(member: Option<&str>) -> &'static str {
    match member {
        Some(
            "Labels" | "Volumes" | "ExposedPorts" | "Options" | "Ports" | "PortBindings"
            | "Networks" | "DriverOpts" | "Tmpfs" | "Sysctls" | "Annotations" | "StorageOpt"
            | "Data",
        ) => "map[]",
        Some(
            "Env" | "Cmd" | "Entrypoint" | "OnBuild" | "Args" | "Mounts" | "Binds" | "VolumesFrom"
            | "CapAdd" | "CapDrop" | "Dns" | "DnsOptions" | "DnsSearch" | "ExtraHosts" | "GroupAdd"
            | "Links" | "Aliases" | "SecurityOpt" | "Devices" | "Ulimits" | "RepoTags"
            | "RepoDigests" | "ExecIDs" | "Shell" | "Layers" | "Warnings" | "DeviceCgroupRules"
            | "DeviceRequests" | "MaskedPaths" | "ReadonlyPaths" | "DNSNames",
        ) => "[]",
        Some(
            "PidsLimit" | "OomKillDisable" | "MemorySwappiness" | "Healthcheck" | "Health" | "Init"
            | "StopTimeout" | "IPAMConfig" | "UsageData",
        ) => "<nil>",
        _ => "<no value>",
    }
}

/// As `{{.}}` prints it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<nil>"),
            Self::Bool(on) => write!(f, "{on}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Uint(number) => write!(f, "{number}"),
            Self::Float(number) => f.write_str(&go_float(*number)),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Self::Map(_) => {
                f.write_str("map[")?;
                for (at, (key, value)) in self.sorted_members().into_iter().enumerate() {
                    write!(f, "{}{key}:{value}", if at == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Self::Lookup(_) => f.write_str("<no value>"),
        }
    }
}

/// Go's `%v` of a float: plain for small exponents, `1e+21` otherwise.
fn go_float(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{number}")
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(on) => serializer.serialize_bool(*on),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Uint(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(members) => {
                let shown = |value: &Value| !matches!(value, Value::Lookup(_));
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in members.iter().filter(|(_, value)| shown(value)) {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Lookup(_) => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, on: bool) -> Result<Value, E> {
        Ok(Value::Bool(on))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Uint(number), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = vec![];
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = vec![];
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Value::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_order() {
        let text = r#"{"z":1,"a":[true,null,"x",1.5,18446744073709551615]}"#;
        let value: Value = serde_json::from_str(text).expect("valid");
        assert_eq!(serde_json::to_string(&value).expect("writes"), text);
    }

    #[test]
    fn floats_print_as_in_go() {
        for (number, text) in [(2.0, "2"), (0.5, "0.5"), (1e21, "1e+21"), (1e-7, "1e-07")] {
            assert_eq!(go_float(number), text);
        }
    }
}
