//! Compose files: any text is read or refused, and what is printed is read as the same again.
#![no_main]

use std::io;
use std::path::Path;

use isopod_compose::{LoadOptions, Observed, Source, UpOptions, load, up};

struct One<'a>(&'a str);

impl Source for One<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        match path.ends_with("compose.yaml") {
            true => Ok(self.0.to_owned()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path.ends_with("compose.yaml")
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "SET").then(|| "value".to_owned())
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let options = LoadOptions {
        directory: "/p".into(),
        files: vec!["/p/compose.yaml".into()],
        profiles: vec!["*".to_owned()],
        ..LoadOptions::default()
    };
    let Ok((project, _)) = load(&One(text), &options) else { return };
    let plan = up(&project, &Observed::default(), &UpOptions::default());
    for (index, (_, after)) in plan.steps.iter().enumerate() {
        assert!(after.iter().all(|before| *before < index), "a step waits for a later one");
    }
    let printed = project.to_yaml();
    let (again, _) = load(&One(&printed), &options).expect("what is printed can be read");
    assert_eq!(again.to_yaml(), printed);
});
