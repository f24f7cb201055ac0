//! `grpc`: calls by gRPC in scripts.
//!
//! ```text
//! grpc [OPTIONS] SERVICE/METHOD STEP...
//!   -q POINTER   print what the JSON pointer finds in each answer; may be repeated
//!   -t TOKEN     send a token of authentication
//! ```
//!
//! The steps are done in order:
//!
//! | step | |
//! | --- | --- |
//! | `{...}` | sends a request: JSON with the fields' own names; bytes are text, or `hex:00ff` |
//! | `@3` | waits for three answers and prints them |
//! | `@end` | waits for the end of the stream and prints all answers until then |
//! | `SERVICE/METHOD {...}` | another call meanwhile, of which only an error is printed |
//! | `!COMMAND` | a shell command meanwhile, the output of which is printed |
//!
//! Without any, one empty request is sent. A call that is not of a stream of requests is waited for
//! before the next step, if nothing else is waited for. Answers are printed one a line, without fields that are
//! zero; a failure is `Code: message`.

mod codec;
mod json;
mod steps;

use std::ffi::OsString;

use anyhow::{Context, Result, bail};
use isopod_etcd_client::proto::FILE_DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::transport::Endpoint;

use self::steps::{Call, Step};

/// How answers are shown, and as whom they are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    pub(crate) pointers: Vec<String>,
    pub(crate) token: Option<String>,
}

/// Runs the command; `args` are those behind its name.
pub(crate) fn main(args: Vec<OsString>) -> Result<()> {
    use lexopt::prelude::*;
    let (mut manner, mut words) = (Manner::default(), vec![]);
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('q') => manner.pointers.push(parser.value()?.string()?),
            Short('t') => manner.token = Some(parser.value()?.string()?),
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).context("the protocol's description")?;
    let mut words = words.into_iter().peekable();
    let method = method(&pool, &words.next().context("which SERVICE/METHOD?")?)?;
    let mut steps = Vec::new();
    while let Some(word) = words.next() {
        steps.push(Step::parse(&pool, &method, &word, &mut words)?);
    }
    if !steps.iter().any(|step| matches!(step, Step::Send(_))) {
        steps.insert(0, Step::Send(json::read(method.input(), "{}")?));
    }
    if !method.is_client_streaming() && !steps.iter().any(|step| matches!(step, Step::Await(_))) {
        steps.insert(1, Step::End);
    }
    let address = std::env::var("EP").context("EP is not set")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let endpoint = Endpoint::new(format!("http://{address}"))?;
        let channel = endpoint.connect().await.context("cannot connect")?;
        Call::new(&channel, &method, &manner)?.carry_out(steps).await
    })
}

/// Finds a method by its service's last name and its own.
fn method(pool: &DescriptorPool, name: &str) -> Result<MethodDescriptor> {
    let Some((service, method)) = name.split_once('/') else {
        bail!("{name:?}: expected SERVICE/METHOD");
    };
    pool.services()
        .find(|candidate| candidate.name() == service)
        .and_then(|service| service.methods().find(|candidate| candidate.name() == method))
        .with_context(|| format!("no method {name}"))
}
