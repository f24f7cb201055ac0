//! The planner: stages in order, names to inputs, `ONBUILD`, labels of the request.

use super::scope::{Arguments, Scope, text};
use super::stage::{self, Context};
use super::{Bases, Input, Op, Plan, PlanError, PlanStage, Planned, Step, Wanted, select};
use crate::request::Request;
use isopod_dockerfile::{Dockerfile, Instruction, KeyValue, Kind, Lex, Stage, parse_instruction};
use isopod_oci::image::{ImageConfig, Platform};
use std::collections::{BTreeMap, BTreeSet};

/// Makes a plan, or says which images must be known for it.
pub fn plan(file: &Dockerfile, request: &Request, bases: &Bases) -> Result<Planned, PlanError> {
    check_syntax(file)?;
    let target = select::target(file, request.target.as_deref())?;
    let target_name = file.stages[target].name.clone().unwrap_or_else(|| target.to_string());
    let mut arguments = Arguments::new(request, &target_name);
    let globals = globals(file, &mut arguments)?;
    let lookup = |name: &str| from_lookup(&globals, &arguments, name);
    let mut contexts = request.contexts.clone();
    contexts.extend(request.replaced.keys().cloned());
    let needed = select::needed(file, target, &contexts, &lookup);
    let mut planner = Planner {
        file,
        request,
        bases,
        globals: &globals,
        missing: BTreeSet::new(),
        numbers: BTreeMap::new(),
        plan: Plan { stages: Vec::new(), steps: Vec::new(), target: 0, warnings: Vec::new() },
        arguments,
    };
    for number in needed {
        planner.stage(number)?;
    }
    if !planner.missing.is_empty() {
        return Ok(Planned::Needs(planner.missing.into_iter().collect()));
    }
    Ok(Planned::Ready(Box::new(planner.finish(target)?)))
}

/// Front ends in images cannot be run; docker's own language is ours.
fn check_syntax(file: &Dockerfile) -> Result<(), PlanError> {
    let Some(syntax) = &file.syntax else { return Ok(()) };
    let name = syntax.trim_start_matches("docker.io/");
    let own = ["docker/dockerfile", "docker/dockerfile-upstream"];
    let plain = name.split([':', '@']).next().unwrap_or_default();
    if own.contains(&plain) {
        return Ok(());
    }
    Err(PlanError::Request(format!(
        "{}: syntax {syntax:?} is not supported: front ends are not run, only docker/dockerfile is understood",
        file.name
    )))
}

/// The arguments before the first `FROM`.
fn globals(
    file: &Dockerfile,
    arguments: &mut Arguments<'_>,
) -> Result<BTreeMap<String, Option<String>>, PlanError> {
    let mut globals: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (place, arg) in &file.args {
        let default = match &arg.default {
            Some(default) => {
                let lookup = |name: &str| from_lookup(&globals, arguments, name);
                let value = Lex::new(file.escape)
                    .word(default, &lookup)
                    .map_err(|error| PlanError::at(place, error.to_string()))?;
                Some(value)
            }
            None => None,
        };
        let value = arguments.given(&arg.name).or(default);
        globals.insert(arg.name.clone(), value);
    }
    Ok(globals)
}

fn from_lookup(
    globals: &BTreeMap<String, Option<String>>,
    arguments: &Arguments<'_>,
    name: &str,
) -> Option<String> {
    globals.get(name).cloned().flatten().or_else(|| arguments.of_platform(name))
}

struct Planner<'a> {
    file: &'a Dockerfile,
    request: &'a Request,
    bases: &'a Bases,
    globals: &'a BTreeMap<String, Option<String>>,
    arguments: Arguments<'a>,
    missing: BTreeSet<Wanted>,
    /// Stages of the plan by number in the file.
    numbers: BTreeMap<usize, usize>,
    plan: Plan,
}

/// What a stage begins with.
struct Begin {
    base: Input,
    config: ImageConfig,
    platform: Platform,
}

impl Planner<'_> {
    fn stage(&mut self, number: usize) -> Result<(), PlanError> {
        let stage = &self.file.stages[number];
        let Some(begin) = self.begin(number, stage)? else {
            // Its image is not known yet; the others may want images as well.
            return Ok(());
        };
        let index = self.plan.stages.len();
        self.numbers.insert(number, index);
        let name = stage.name.clone().unwrap_or_else(|| number.to_string());
        let no_cache = self.request.no_cache || self.request.no_cache_stages.contains(&name);
        let mut config = begin.config.config.clone();
        let triggers = std::mem::take(&mut config.on_build);
        self.plan.stages.push(PlanStage {
            name,
            base: begin.base.clone(),
            platform: begin.platform,
            base_config: begin.config.clone(),
            steps: Vec::new(),
            needs: Vec::new(),
        });
        let head = Step {
            stage: index,
            text: stage.head.text.clone(),
            place: stage.head.place.clone(),
            lines: stage.head.lines,
            op: Op::From,
            created_by: String::new(),
            config: config.clone(),
            author: begin.config.author.clone(),
            no_cache,
        };
        self.add(index, head, &[begin.base]);
        let mut instructions = Vec::new();
        for trigger in triggers {
            let instruction = parse_instruction("ONBUILD", &trigger, '\\').map_err(|error| {
                PlanError::at(
                    &stage.head.place,
                    format!("the base image's trigger ONBUILD {trigger}: {}", error.message),
                )
            })?;
            instructions.push(Instruction {
                place: stage.head.place.clone(),
                lines: stage.head.lines,
                ..instruction
            });
        }
        instructions.extend(stage.instructions.iter().cloned());
        self.instructions(number, index, config, begin.config.author, &instructions, no_cache)
    }

    fn instructions(
        &mut self,
        number: usize,
        index: usize,
        config: isopod_oci::image::ExecutionConfig,
        author: Option<String>,
        instructions: &[Instruction],
        no_cache: bool,
    ) -> Result<(), PlanError> {
        let mut scope = Scope::default();
        let (mut config, mut author, mut cmd_set) = (config, author, false);
        for instruction in instructions {
            let mut inputs = Vec::new();
            let mut missing = BTreeSet::new();
            let step = {
                let resolver = Resolver {
                    file: self.file,
                    request: self.request,
                    bases: self.bases,
                    numbers: &self.numbers,
                    number,
                    complete: self.missing.is_empty(),
                };
                let mut resolve = |name: &str, instruction: &Instruction| {
                    let input = resolver.input(name, instruction, &mut missing)?;
                    inputs.push(input.clone());
                    Ok(input)
                };
                // The planner lends its arguments to one instruction at a time.
                let arguments =
                    std::mem::replace(&mut self.arguments, Arguments::new(self.request, ""));
                let mut context = Context {
                    escape: self.file.escape,
                    arguments,
                    globals: self.globals,
                    scope,
                    config,
                    author,
                    cmd_set,
                };
                let outcome = stage::step(&mut context, instruction, index, &mut resolve);
                (scope, config) = (context.scope, context.config);
                (author, cmd_set) = (context.author, context.cmd_set);
                self.arguments = context.arguments;
                outcome
            };
            self.missing.extend(missing);
            let mut step = step?;
            step.no_cache = no_cache;
            self.add(index, step, &inputs);
        }
        Ok(())
    }

    fn add(&mut self, stage: usize, step: Step, inputs: &[Input]) {
        let number = self.plan.steps.len();
        self.plan.steps.push(step);
        let stage = &mut self.plan.stages[stage];
        stage.steps.push(number);
        for input in inputs {
            if let Input::Stage(other) = input
                && !stage.needs.contains(other)
            {
                stage.needs.push(*other);
            }
        }
    }

    /// What `FROM` means; nothing while its image is not known.
    fn begin(&mut self, number: usize, stage: &Stage) -> Result<Option<Begin>, PlanError> {
        let place = &stage.head.place;
        let lookup = |name: &str| from_lookup(self.globals, &self.arguments, name);
        let expand = |word: &str| {
            Lex::new(self.file.escape)
                .word(word, &lookup)
                .map_err(|error| PlanError::at(place, error.to_string()))
        };
        let name = expand(&stage.from.image)?;
        if name.is_empty() {
            return Err(PlanError::at(
                place,
                format!("base name ({}) should not be blank", stage.from.image),
            ));
        }
        let platform = match &stage.from.platform {
            Some(platform) => {
                let platform = expand(platform)?;
                isopod_images::platform::parse(&platform).map_err(|error| {
                    PlanError::at(place, format!("--platform {platform:?}: {error}"))
                })?
            }
            None => self.request.platform.clone(),
        };
        if name == "scratch" {
            let config = ImageConfig { platform: platform.clone(), ..ImageConfig::default() };
            return Ok(Some(Begin { base: Input::Scratch, config, platform }));
        }
        let replaced = self.request.replaced.contains_key(&name);
        if self.request.contexts.contains(&name) {
            let config = ImageConfig { platform: platform.clone(), ..ImageConfig::default() };
            return Ok(Some(Begin { base: Input::Context(Some(name)), config, platform }));
        }
        if !replaced && let Some(other) = select::earlier(self.file, &name, number, false) {
            let Some(&index) = self.numbers.get(&other) else { return Ok(None) };
            let below = &self.plan.stages[index];
            let last = &self.plan.steps[*below.steps.last().expect("a stage has its FROM")];
            let mut config = below.base_config.clone();
            config.config.clone_from(&last.config);
            config.author.clone_from(&last.author);
            let platform = below.platform.clone();
            return Ok(Some(Begin { base: Input::Stage(index), config, platform }));
        }
        let name = self.request.replaced.get(&name).cloned().unwrap_or(name);
        let wanted = Wanted { name, platform: text(&platform) };
        match self.bases.get(&wanted) {
            Some(base) => {
                let config = base.config.clone();
                let platform = config.platform.clone();
                Ok(Some(Begin { base: Input::Image(wanted), config, platform }))
            }
            None => {
                self.missing.insert(wanted);
                Ok(None)
            }
        }
    }

    fn finish(mut self, target: usize) -> Result<Plan, PlanError> {
        self.plan.target = self.numbers[&target];
        self.labels()?;
        let unused = self.arguments.unused();
        if !unused.is_empty() {
            self.plan.warnings.push(format!(
                "[Warning] One or more build-args [{}] were not consumed",
                unused.join(" ")
            ));
        }
        for warning in &self.file.warnings {
            self.plan.warnings.push(format!(
                "[Warning] {}:{}: {}",
                warning.place.file, warning.place.line, warning.message
            ));
        }
        Ok(self.plan)
    }

    /// The request's labels are one more instruction at the end.
    fn labels(&mut self) -> Result<(), PlanError> {
        if self.request.labels.is_empty() {
            return Ok(());
        }
        let quote = |text: &str| format!("'{}'", text.replace('\'', "'\"'\"'"));
        let pairs: Vec<KeyValue> = self
            .request
            .labels
            .iter()
            .map(|(key, value)| KeyValue { key: quote(key), value: quote(value), legacy: false })
            .collect();
        let text: Vec<String> =
            self.request.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let target = self.plan.target;
        let last = &self.plan.steps[*self.plan.stages[target].steps.last().expect("its FROM")];
        let instruction = Instruction {
            place: last.place.clone(),
            lines: last.lines,
            text: format!("LABEL {}", text.join(" ")),
            kind: Kind::Label(pairs),
        };
        let (config, author, no_cache) = (last.config.clone(), last.author.clone(), last.no_cache);
        let number = self.file.stages.len();
        self.instructions(number, target, config, author, &[instruction], no_cache)
    }
}

/// Says what a name after `--from` means.
struct Resolver<'a> {
    file: &'a Dockerfile,
    request: &'a Request,
    bases: &'a Bases,
    numbers: &'a BTreeMap<usize, usize>,
    number: usize,
    /// Whether all images so far are known.
    complete: bool,
}

impl Resolver<'_> {
    fn input(
        &self,
        name: &str,
        instruction: &Instruction,
        missing: &mut BTreeSet<Wanted>,
    ) -> Result<Input, PlanError> {
        let at = |message: String| PlanError::at(&instruction.place, message);
        if name.is_empty() {
            return Err(at("--from is empty once its variables are expanded".to_owned()));
        }
        if self.request.contexts.iter().any(|context| context == name) {
            return Ok(Input::Context(Some(name.to_owned())));
        }
        if !self.request.replaced.contains_key(name) {
            let limit = self.number.min(self.file.stages.len());
            if let Some(other) = select::earlier(self.file, name, limit, true) {
                return Ok(match self.numbers.get(&other) {
                    Some(index) => Input::Stage(*index),
                    None if self.complete => {
                        return Err(at(format!(
                            "the stage {name} is used by a trigger of the base image alone, which is not supported: use it in this file as well"
                        )));
                    }
                    // It waits for its image; this plan is given up anyway.
                    None => Input::Scratch,
                });
            }
            if name.parse::<usize>().is_ok() {
                return Err(at(format!(
                    "invalid from flag value {name}: it refers to a stage that does not stand before this one"
                )));
            }
            let own = self.file.stages.get(self.number).and_then(|stage| stage.name.as_deref());
            let later = self.file.stages.get(self.number..).unwrap_or_default();
            let lower = name.to_ascii_lowercase();
            if own == Some(&lower) {
                return Err(at(format!(
                    "invalid from flag value {name}: a stage cannot use its own files"
                )));
            }
            if later.iter().any(|stage| stage.name.as_deref() == Some(&lower)) {
                return Err(at(format!(
                    "invalid from flag value {name}: the stage of that name stands after this one"
                )));
            }
            if name == "scratch" {
                return Ok(Input::Scratch);
            }
        }
        let name = self.request.replaced.get(name).cloned().unwrap_or_else(|| name.to_owned());
        let wanted = Wanted { name, platform: text(&self.request.platform) };
        if !self.bases.contains_key(&wanted) {
            missing.insert(wanted.clone());
        }
        Ok(Input::Image(wanted))
    }
}
