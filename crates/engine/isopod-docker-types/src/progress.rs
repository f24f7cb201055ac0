//! The lines of a progress stream (pull, push, load, import).

use crate::go::is_empty;

document! {
    "camelCase";

    /// A line of a progress stream.
    pub struct JsonMessage {
        /// Plain text.
        #[serde(skip_serializing_if = "is_empty")]
        pub stream: String,
        /// What happens to the object `id`.
        #[serde(skip_serializing_if = "is_empty")]
        pub status: String,
        /// How far it is.
        #[serde(skip_serializing_if = "is_empty")]
        pub progress_detail: Option<JsonProgress>,
        /// The same as a drawn bar, for clients that do not draw one.
        #[serde(skip_serializing_if = "is_empty")]
        pub progress: String,
        /// Layer or tag.
        #[serde(skip_serializing_if = "is_empty")]
        pub id: String,
        /// Legacy.
        #[serde(skip_serializing_if = "is_empty")]
        pub from: String,
        /// Unix time.
        #[serde(skip_serializing_if = "is_empty")]
        pub time: i64,
        /// Unix time in nanoseconds.
        #[serde(skip_serializing_if = "is_empty")]
        pub time_nano: i64,
        /// The failure that ends the stream.
        #[serde(skip_serializing_if = "is_empty")]
        pub error_detail: Option<JsonError>,
        /// The same as text.
        #[serde(skip_serializing_if = "is_empty")]
        pub error: String,
        /// A result for programs, such as [`PushResult`].
        #[serde(skip_serializing_if = "is_empty")]
        pub aux: Option<serde_json::Value>,
    }

    /// How far an operation is.
    pub struct JsonProgress {
        /// Done.
        #[serde(skip_serializing_if = "is_empty")]
        pub current: i64,
        /// Of.
        #[serde(skip_serializing_if = "is_empty")]
        pub total: i64,
        /// Whether to leave the counts out of the bar.
        #[serde(rename = "hidecounts", skip_serializing_if = "is_empty")]
        pub hide_counts: bool,
        /// Unit; empty means bytes.
        #[serde(skip_serializing_if = "is_empty")]
        pub units: String,
    }

    /// A failure.
    pub struct JsonError {
        /// Code.
        #[serde(skip_serializing_if = "is_empty")]
        pub code: i64,
        /// For people.
        #[serde(skip_serializing_if = "is_empty")]
        pub message: String,
    }
}

document! {
    /// What was pushed (`aux` of a push).
    pub struct PushResult {
        /// Tag.
        pub tag: String,
        /// Digest of the manifest.
        pub digest: String,
        /// Bytes of the manifest.
        pub size: i64,
    }
}
