//! `build` and `builder`.

mod bundle;
mod cache;
mod display;
mod inputs;
mod output;
mod prune;
mod request;
mod run;

use crate::args::{Flag, boolean, list, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::container::check;

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[&BUILD, &prune::PRUNE];

static FLAGS: &[Flag] = &[
    list("add-host", ' ', "Add a line to /etc/hosts of RUN (HOST:IP)").check(check::extra_host),
    list("allow", ' ', "Allow more than usual: security.insecure, network.host"),
    list("build-arg", ' ', "Set a variable of ARG (NAME=VALUE, or NAME for the environment's)"),
    list(
        "build-context",
        ' ',
        "Name another context (NAME=DIRECTORY or NAME=docker-image://IMAGE)",
    ),
    list("cache-from", ' ', "Take over steps of an image or of a directory that --cache-to made"),
    list(
        "cache-to",
        ' ',
        "Keep steps for others (type=inline, type=registry,ref=IMAGE or type=local,dest=DIR)",
    ),
    text("cgroup-parent", ' ', "Parent cgroup of RUN"),
    typed("cpu-period", ' ', "int", "CFS period of RUN in microseconds"),
    typed("cpu-quota", ' ', "int", "CFS quota of RUN in microseconds"),
    typed("cpu-shares", 'c', "int", "Relative CPU weight of RUN"),
    text("cpuset-cpus", ' ', "CPUs of RUN, such as 0-2,7"),
    text("cpuset-mems", ' ', "Memory nodes of RUN"),
    text("file", 'f', "The Dockerfile (PATH/Dockerfile, or - for standard input)"),
    boolean("force-rm", ' ', "Accepted as docker has it: containers of RUN are always removed"),
    text("iidfile", ' ', "Write the image's id to a file"),
    list("label", ' ', "Add a label to the image (NAME=VALUE)"),
    boolean("load", ' ', "Accepted as docker has it: the image is in the store in any case"),
    typed("memory", 'm', "bytes", "Memory limit of RUN"),
    typed("memory-swap", ' ', "bytes", "Memory and swap limit of RUN"),
    text("network", ' ', "Network of RUN").default("default"),
    boolean("no-cache", ' ', "Do every step again"),
    list("no-cache-filter", ' ', "Do the steps of this stage again"),
    list("output", 'o', "Where to put the result (type=image|docker|oci|tar|local,dest=PATH)"),
    text("platform", ' ', "What the image is to run on, such as linux/amd64"),
    text("progress", ' ', "How to show progress: auto, plain, tty, quiet").default("auto"),
    boolean("pull", ' ', "Pull base images although they are here"),
    boolean("push", ' ', "Push the image's names afterwards"),
    boolean("quiet", 'q', "Print the image's id alone"),
    boolean("rm", ' ', "Accepted as docker has it: containers of RUN are always removed"),
    list("secret", ' ', "A secret for RUN --mount=type=secret (id=ID[,src=FILE|,env=NAME])"),
    list("security-opt", ' ', "Security options of RUN"),
    typed("shm-size", ' ', "bytes", "Size of /dev/shm of RUN"),
    list("ssh", ' ', "An agent for RUN --mount=type=ssh (default, or ID=SOCKET)"),
    list("tag", 't', "Name of the image (NAME[:TAG])"),
    text("target", ' ', "Last stage to build"),
    list("ulimit", ' ', "Resource limit of RUN (NAME=SOFT[:HARD])")
        .check(check::ulimit)
        .named("ulimit"),
];

static BUILD: Command = Command {
    names: &["image build", "build", "builder build"],
    usage: "[OPTIONS] PATH | URL | -",
    summary: "Build an image from a Dockerfile",
    details: "PATH is the directory whose files the Dockerfile may copy, less those that its \
              .dockerignore names.\nWith -, a Dockerfile or a tar archive of a context is read \
              from standard input.",
    examples: &[
        ("build -t app:v1 .", "Build the Dockerfile in this directory"),
        (
            "build -f deploy/Dockerfile --target test --build-arg V=2 .",
            "Another file, up to a stage",
        ),
        ("build -o type=local,dest=out .", "Put the files of the result in a directory"),
        ("build --secret id=token,src=token.txt -t app .", "With a secret that no layer keeps"),
    ],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(run::build(session, flags)),
    ..Command::DEFAULT
};
