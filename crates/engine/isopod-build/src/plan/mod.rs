//! From a Dockerfile to what is to be done, as data.

mod config;
mod copy;
mod display;
mod error;
mod history;
mod planner;
mod run;
mod scope;
mod select;
mod stage;

pub(crate) use config::absolute;
pub use error::PlanError;
pub use planner::plan;

use isopod_base::Digest;
use isopod_dockerfile::{Mount, Network, Place, Security};
use isopod_oci::image::{ExecutionConfig, ImageConfig, Platform};
use std::collections::BTreeMap;

/// An image that the plan stands on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// Its name, as the Dockerfile has it with variables expanded.
    pub name: String,
    /// `os/arch[/variant]`.
    pub platform: String,
}

/// What is known of such an image.
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// Digest of its configuration.
    pub id: Digest,
    /// Its configuration.
    pub config: ImageConfig,
}

/// The images that are known.
pub type Bases = BTreeMap<Wanted, BaseImage>;

/// What planning came to.
#[derive(Debug, Clone)]
pub enum Planned {
    /// These images must be known first.
    Needs(Vec<Wanted>),
    /// The plan.
    Ready(Box<Plan>),
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The stages that are needed, each after those that it uses.
    pub stages: Vec<PlanStage>,
    /// All steps, in the order of the file.
    pub steps: Vec<Step>,
    /// The stage that is the result: an index of `stages`.
    pub target: usize,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct PlanStage {
    /// Its name, or its number in the file.
    pub name: String,
    /// What it begins with.
    pub base: Input,
    /// What it is built for.
    pub platform: Platform,
    /// Configuration that it begins with.
    pub base_config: ImageConfig,
    /// Its steps: indexes of [`Plan::steps`]. The first is its `FROM`.
    pub steps: Vec<usize>,
    /// Stages that it uses.
    pub needs: Vec<usize>,
}

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Scratch,
    /// The build's context, or the named one.
    Context(Option<String>),
    /// A stage of the plan.
    Stage(usize),
    /// An image.
    Image(Wanted),
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its stage.
    pub stage: usize,
    /// The instruction's text.
    pub text: String,
    /// Where it is in the file.
    pub place: Place,
    /// First and last line.
    pub lines: (usize, usize),
    /// What is to be done with files.
    pub op: Op,
    /// What the image's history says of it.
    pub created_by: String,
    /// The configuration after it.
    pub config: ExecutionConfig,
    /// The author after it.
    pub author: Option<String>,
    /// Whether a copy of what it did before must not be used.
    pub no_cache: bool,
}

/// What a step does with files.
#[derive(Debug, Clone)]
pub enum Op {
    /// It is a `FROM`.
    From,
    /// Nothing: it changes the configuration.
    Config,
    /// Makes a directory.
    Workdir {
        /// Its absolute path.
        path: String,
        /// Who owns it, if it must be made.
        user: String,
    },
    /// Runs a command.
    Run(Box<RunStep>),
    /// Copies files.
    Copy(Box<CopyStep>),
}

/// A `RUN`.
#[derive(Debug, Clone)]
pub struct RunStep {
    /// The command.
    pub args: Vec<String>,
    /// A here-document that is a program of its own: name, content.
    pub script: Option<(String, String)>,
    /// The whole environment.
    pub env: Vec<String>,
    /// Variables that do not count for the cache (proxies).
    pub hidden_env: Vec<String>,
    /// Who runs it.
    pub user: String,
    /// Where.
    pub cwd: String,
    /// Network.
    pub network: Network,
    /// Confinement.
    pub security: Security,
    /// Mounts, with where their files come from.
    pub mounts: Vec<(Mount, Option<Input>)>,
}

/// A `COPY` or `ADD`.
#[derive(Debug, Clone, Default)]
pub struct CopyStep {
    /// `COPY` or `ADD`.
    pub keyword: &'static str,
    /// Where the files come from.
    pub from: Option<Input>,
    /// Patterns of what to copy.
    pub sources: Vec<String>,
    /// Files whose content is in the Dockerfile: name, content.
    pub inline: Vec<(String, String)>,
    /// URLs to fetch.
    pub urls: Vec<String>,
    /// Digest that the one URL's content must have.
    pub checksum: Option<Digest>,
    /// Where to, absolute.
    pub destination: String,
    /// Whether the destination must be a directory.
    pub into_directory: bool,
    /// Owner, `user[:group]`.
    pub chown: Option<String>,
    /// Mode, octal or symbolic.
    pub chmod: Option<String>,
    /// Whether links in the destination's path are replaced.
    pub link: bool,
    /// Whether the directories above a source are made, too.
    pub parents: bool,
    /// Patterns of what not to copy.
    pub exclude: Vec<String>,
    /// Whether archives are unpacked.
    pub unpack: bool,
}
