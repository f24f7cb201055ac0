//! A plan as text, for people and golden files.

use super::{Input, Op, Plan, RunStep};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, stage) in self.stages.iter().enumerate() {
            let target = if number == self.target { " (target)" } else { "" };
            let platform = super::scope::text(&stage.platform);
            writeln!(
                f,
                "stage {number} {} from {} for {platform}{target}",
                stage.name, stage.base
            )?;
            for step in &stage.steps {
                let step = &self.steps[*step];
                write!(f, "  {}", step.text)?;
                match &step.op {
                    Op::From | Op::Config => writeln!(f)?,
                    Op::Workdir { path, .. } => writeln!(f, "\n    make {path}")?,
                    Op::Run(run) => run.describe(f)?,
                    Op::Copy(copy) => {
                        let from = copy.from.as_ref().map(ToString::to_string);
                        writeln!(
                            f,
                            "\n    copy {:?} from {} to {}",
                            copy.sources,
                            from.unwrap_or_else(|| "nowhere".to_owned()),
                            copy.destination
                        )?;
                    }
                }
            }
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

impl RunStep {
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n    run {:?}", self.args)?;
        let user = if self.user.is_empty() { "root" } else { &self.user };
        writeln!(f, " as {user} in {} with {:?}", self.cwd, self.env)?;
        for (mount, input) in &self.mounts {
            write!(f, "    mount {:?} at {}", mount.kind, mount.target)?;
            match input {
                Some(input) => writeln!(f, " from {input}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scratch => f.write_str("nothing"),
            Self::Context(None) => f.write_str("the context"),
            Self::Context(Some(name)) => write!(f, "context {name}"),
            Self::Stage(number) => write!(f, "stage {number}"),
            Self::Image(wanted) => write!(f, "image {}", wanted.name),
        }
    }
}
