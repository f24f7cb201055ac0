//! How Go's `encoding/json` treats absence: the two conventions that the documents are built of.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares documents: structs whose fields are read leniently (absent and `null` are the zero
/// value) under their PascalCase names, unless an attribute or a leading case says otherwise.
/// A field `name: ..Type` is embedded: its members stand among the others.
macro_rules! document {
    ($(#[$meta:meta])* pub struct $($rest:tt)*) => {
        document! { "PascalCase"; $(#[$meta])* pub struct $($rest)* }
    };
    ($case:literal; $(
        $(#[$meta:meta])*
        pub struct $name:ident { $($fields:tt)* }
    )*) => {
        $( document! { @one $case; $(#[$meta])* pub struct $name { $($fields)* } } )*
    };
    (@one $case:literal;
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident : $(.. $embedded:ident)? $($ty:ty)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(default, rename_all = $case)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                $(
                    #[serde(flatten)]
                    pub $field: $embedded,
                )?
                $(
                    #[serde(deserialize_with = "crate::go::lenient")]
                    pub $field: $ty,
                )?
            )*
        }
    };
}

/// Reads a field, taking `null` for its zero value.
pub(crate) fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// What Go's `omitempty` leaves out.
pub(crate) trait Empty {
    fn is_empty(&self) -> bool;
}

macro_rules! zero_is_empty {
    ($($ty:ty),*) => {$(
        impl Empty for $ty {
            fn is_empty(&self) -> bool { *self == <$ty>::default() }
        }
    )*};
}
zero_is_empty!(bool, u8, u16, u32, u64, i32, i64, String);

impl<T> Empty for Option<T> {
    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T> Empty for Vec<T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<K, V> Empty for std::collections::BTreeMap<K, V> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// For `skip_serializing_if`: the field is left out when it has its zero value.
pub(crate) fn is_empty(value: &impl Empty) -> bool {
    value.is_empty()
}

/// For `serialize_with`: an empty slice or map is written as `null`, as Go writes a nil one.
pub(crate) fn null_if_empty<S, T>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: Empty + Serialize,
{
    if value.is_empty() { serializer.serialize_none() } else { value.serialize(serializer) }
}

/// The value type of Go's sets (`map[string]struct{}`): written as `{}`, read from anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Present {}

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Present {})
    }
}

/// The words of a command. One plain string is read as a list of one word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommandLine(pub Vec<String>);

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Words {
            Many(Vec<String>),
            One(String),
        }
        Ok(match Words::deserialize(deserializer)? {
            Words::Many(words) => CommandLine(words),
            Words::One(word) => CommandLine(vec![word]),
        })
    }
}

impl std::ops::Deref for CommandLine {
    type Target = Vec<String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Vec<String>> for CommandLine {
    fn from(words: Vec<String>) -> Self {
        CommandLine(words)
    }
}
