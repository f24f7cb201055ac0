//! What happens in a build, for clients that ask for it by `events=1`: each is the `aux` of a
//! message with the id [`BUILD_EVENT_ID`]. Docker's clients get text.

use serde::{Deserialize, Serialize};

/// The id of such messages.
pub const BUILD_EVENT_ID: &str = "isopod.build";

/// A step of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BuildStepInfo {
    /// Name of its stage.
    pub stage: String,
    /// Its instruction.
    pub text: String,
    /// First and last line in the Dockerfile.
    pub lines: (usize, usize),
}

/// Something that happened. Steps are named by their place in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BuildEvent {
    /// The plan.
    Plan(Vec<BuildStepInfo>),
    /// A step begins.
    Started(usize),
    /// A step's result is there from before.
    Cached(usize),
    /// A step printed something: file descriptor, text.
    Output(usize, u8, String),
    /// A step is done, with the id of its image.
    Done(usize, String),
    /// A step failed.
    Failed(usize, String),
    /// Something the user should know.
    Warning(String),
    /// The image: its id, and its names.
    Built(String, Vec<String>),
}
