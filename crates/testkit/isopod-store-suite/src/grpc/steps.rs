//! What a call does, step by step.

use std::io::Write;
use std::iter::Peekable;
use std::time::Duration;

use anyhow::{Context, Result};
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::codec::Dynamic;
use super::{Manner, json, method};
use crate::noise;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The largest answer: more than the largest request that a case lets a server take.
const ANSWER_BYTES: usize = 64 << 20;

/// One step.
pub(crate) enum Step {
    /// Sends a request.
    Send(DynamicMessage),
    /// Prints so many answers.
    Await(usize),
    /// Prints answers to the end.
    End,
    /// Another call meanwhile.
    Other(MethodDescriptor, DynamicMessage),
    /// A shell command meanwhile.
    Shell(String),
}

impl Step {
    /// Reads a step; that of another call takes a second word.
    pub(crate) fn parse(
        pool: &DescriptorPool,
        called: &MethodDescriptor,
        word: &str,
        words: &mut Peekable<impl Iterator<Item = String>>,
    ) -> Result<Self> {
        if word.starts_with('{') {
            return Ok(Self::Send(json::read(called.input(), word)?));
        }
        if let Some(command) = word.strip_prefix('!') {
            return Ok(Self::Shell(command.to_owned()));
        }
        match word.strip_prefix('@') {
            Some("end") => Ok(Self::End),
            Some(count) => {
                Ok(Self::Await(count.parse().with_context(|| format!("{word}: no count"))?))
            }
            None => {
                let other = method(pool, word)?;
                let text = words.next_if(|word| word.starts_with('{'));
                let message = json::read(other.input(), text.as_deref().unwrap_or("{}"))?;
                Ok(Self::Other(other, message))
            }
        }
    }
}

/// A call, as a stream in both directions, whatever the method says: on the wire they are alike.
pub(crate) struct Call<'a> {
    channel: &'a Channel,
    method: &'a MethodDescriptor,
    manner: &'a Manner,
    /// Taken when the method has no stream of requests and its one request is sent.
    requests: Option<UnboundedSender<DynamicMessage>>,
    answers: UnboundedReceiver<Result<DynamicMessage, Status>>,
}

impl<'a> Call<'a> {
    /// Begins a call. It has a task of its own, as servers may answer only when they are asked
    /// something.
    pub(crate) fn new(
        channel: &'a Channel,
        method: &'a MethodDescriptor,
        manner: &'a Manner,
    ) -> Result<Self> {
        let (requests, sent) = mpsc::unbounded_channel();
        let (received, answers) = mpsc::unbounded_channel();
        let mut client = tonic::client::Grpc::new(channel.clone())
            .max_decoding_message_size(ANSWER_BYTES)
            .max_encoding_message_size(ANSWER_BYTES);
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = path.parse().context("a path")?;
        let codec = Dynamic { answer: method.output() };
        let mut request = Request::new(UnboundedReceiverStream::new(sent));
        if let Some(token) = &manner.token {
            request.metadata_mut().insert("token", token.parse().context("no token")?);
        }
        tokio::spawn(async move {
            let exchange = async {
                client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
                let mut stream = client.streaming(request, path, codec).await?.into_inner();
                while let Some(answer) = stream.message().await? {
                    if received.send(Ok(answer)).is_err() {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(status) = exchange.await {
                // Nobody listens if the steps are done.
                let _ = received.send(Err(status));
            }
        });
        Ok(Self { channel, method, manner, requests: Some(requests), answers })
    }

    /// Does the steps.
    pub(crate) async fn carry_out(mut self, steps: Vec<Step>) -> Result<()> {
        for step in steps {
            match step {
                Step::Send(message) => {
                    let requests =
                        self.requests.as_ref().context("this method takes one request")?;
                    // A call that failed takes no more; its status is still to be printed.
                    let _ = requests.send(message);
                    if !self.method.is_client_streaming() {
                        self.requests = None;
                    }
                }
                Step::Await(count) => {
                    for _ in 0..count {
                        if !self.print_one().await? {
                            break;
                        }
                    }
                }
                Step::End => {
                    self.requests = None;
                    while self.print_one().await? {}
                }
                Step::Other(method, message) => self.other(&method, message).await?,
                Step::Shell(command) => {
                    let mut shell = std::process::Command::new("sh");
                    shell.arg("-c").arg(&command);
                    // The stream has to be read meanwhile, or the server would wait for it.
                    let output = tokio::task::spawn_blocking(move || shell.output()).await??;
                    std::io::stdout().write_all(&output.stdout)?;
                }
            }
        }
        Ok(())
    }

    /// Prints an answer, or how the call failed; `false` if no more will come.
    async fn print_one(&mut self) -> Result<bool> {
        let answer = tokio::time::timeout(LIMIT, self.answers.recv());
        let answer = answer.await.with_context(|| format!("no answer within {LIMIT:?}"))?;
        let (line, more) = match answer {
            None => return Ok(false),
            Some(Ok(message)) => {
                (noise::show(json::document(&message), &self.manner.pointers), true)
            }
            Some(Err(status)) => (format!("{:?}: {}", status.code(), status.message()), false),
        };
        writeln!(std::io::stdout(), "{line}")?;
        Ok(more)
    }

    async fn other(&self, method: &MethodDescriptor, message: DynamicMessage) -> Result<()> {
        let mut call = Call::new(self.channel, method, self.manner)?;
        if let Some(requests) = call.requests.take() {
            requests.send(message)?;
        }
        while let Some(answer) = call.answers.recv().await {
            if let Err(status) = answer {
                writeln!(std::io::stdout(), "{:?}: {}", status.code(), status.message())?;
            }
        }
        Ok(())
    }
}
