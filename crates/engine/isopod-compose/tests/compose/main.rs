//! Compose files as data: what `config` makes of them, what is planned for them, what is wrong
//! with them. `UPDATE_EXPECT=1` writes the expectations anew, to be reviewed as a diff.
//!
//! A case is a file `cases/KIND/NAME.txt` of sections: `--- FILE` begins one, the first lines may
//! set variables (`$NAME=value`) and options (`@profile x`, `@file x`, `@name x`, `@service x`,
//! `@observed SERVICE NUMBER STATE [HASH]`, `@up FLAG`), and the last section is `--- expected`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use isopod_compose::{
    LoadOptions, Observed, ObservedContainer, Source, UpOptions, config_hash, down, load, up,
};

/// Files of a case.
#[derive(Default)]
struct Files {
    files: BTreeMap<PathBuf, String>,
    variables: BTreeMap<String, String>,
}

impl Source for Files {
    fn read(&self, path: &Path) -> io::Result<String> {
        let found = self.files.get(path).cloned();
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

struct Case {
    files: Files,
    options: Vec<(String, String)>,
    input: String,
    expected: String,
}

fn read(text: &str) -> Case {
    let (input, expected) = text.split_once("--- expected\n").unwrap_or((text, ""));
    let mut case = Case {
        files: Files::default(),
        options: Vec::new(),
        input: input.to_owned(),
        expected: expected.to_owned(),
    };
    let mut current: Option<PathBuf> = None;
    for line in input.lines() {
        if let Some(name) = line.strip_prefix("--- ") {
            let path = Path::new("/p").join(name);
            case.files.files.insert(path.clone(), String::new());
            current = Some(path);
            continue;
        }
        match &current {
            Some(path) => {
                let text = case.files.files.get_mut(path).expect("begun");
                text.push_str(line);
                text.push('\n');
            }
            None => {
                if let Some((name, value)) = line.strip_prefix('$').and_then(|l| l.split_once('='))
                {
                    case.files.variables.insert(name.to_owned(), value.to_owned());
                } else if let Some(option) = line.strip_prefix('@') {
                    let (name, value) = option.split_once(' ').unwrap_or((option, ""));
                    case.options.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }
    case
}

impl Case {
    fn all(&self, name: &str) -> Vec<String> {
        let found = self.options.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).collect()
    }

    fn load_options(&self) -> LoadOptions {
        let mut files: Vec<PathBuf> =
            self.all("file").iter().map(|name| Path::new("/p").join(name)).collect();
        if files.is_empty() {
            files.push("/p/compose.yaml".into());
        }
        LoadOptions {
            directory: "/p".into(),
            files,
            name: self.all("name").pop(),
            profiles: self.all("profile"),
            env_files: self.all("env-file").iter().map(|n| Path::new("/p").join(n)).collect(),
            services: self.all("service"),
            no_interpolate: !self.all("no-interpolate").is_empty(),
        }
    }

    fn config(&self) -> String {
        match load(&self.files, &self.load_options()) {
            Ok((project, warnings)) => {
                let mut out = project.to_yaml();
                for warning in warnings {
                    let _ = writeln!(out, "warning: {warning}");
                }
                out
            }
            Err(error) => {
                let mut out = format!("error: {error}\n");
                let mut source = std::error::Error::source(&error);
                while let Some(error) = source {
                    let _ = writeln!(out, "  because: {error}");
                    source = error.source();
                }
                out
            }
        }
    }

    fn plan(&self) -> String {
        let (project, _) = load(&self.files, &self.load_options()).expect("a valid project");
        let mut observed = Observed::default();
        for line in self.all("observed") {
            let words: Vec<&str> = line.split(' ').collect();
            let number: u32 = words[1].parse().expect("a number");
            let hash = match words.get(3) {
                Some(hash) => (*hash).to_owned(),
                None => project
                    .services
                    .get(words[0])
                    .map_or_else(String::new, |service| config_hash(&project, service)),
            };
            observed.containers.push(ObservedContainer {
                id: format!("id-{}-{number}", words[0]),
                name: format!("{}-{}-{number}", project.name, words[0]),
                service: words[0].to_owned(),
                number,
                config_hash: hash,
                image: "sha256:old".to_owned(),
                running: words[2] == "running",
                completed: words[2] == "completed",
            });
        }
        observed.networks.extend(self.all("network"));
        observed.volumes.extend(self.all("volume"));
        for image in self.all("image") {
            let (service, id) = image.split_once(' ').expect("SERVICE ID");
            observed.images.insert(service.to_owned(), id.to_owned());
        }
        if let Some(flags) = self.all("down").pop() {
            return down(&project, &observed, flags.contains('v'), flags.contains("orphans"))
                .to_string();
        }
        let flags = self.all("up");
        let has = |flag: &str| flags.iter().any(|known| known == flag);
        let mut scale = BTreeMap::new();
        for line in self.all("scale") {
            let (service, count) = line.split_once('=').expect("SERVICE=COUNT");
            scale.insert(service.to_owned(), count.parse().expect("a number"));
        }
        let options = UpOptions {
            services: self.all("service"),
            scale,
            force_recreate: has("force-recreate"),
            no_recreate: has("no-recreate"),
            remove_orphans: has("remove-orphans"),
            no_deps: has("no-deps"),
            no_start: has("no-start"),
            wait: has("wait"),
            prepare: has("prepare"),
        };
        let plan = up(&project, &observed, &options);
        if plan.is_empty() { format!("{plan}nothing to change\n") } else { plan.to_string() }
    }
}

fn run(kind: &str, least: usize, work: impl Fn(&Case) -> String) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/cases").join(kind);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("cases")
        .map(|entry| entry.expect("reads").path())
        .collect();
    paths.sort();
    assert!(paths.len() >= least, "{} cases of {kind}: expected {least}", paths.len());
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut failures = Vec::new();
    for path in &paths {
        let case = read(&std::fs::read_to_string(path).expect("text"));
        let found = work(&case);
        if found == case.expected {
            continue;
        }
        if update {
            let text = format!("{}--- expected\n{found}", case.input);
            std::fs::write(path, text).expect("writable");
        } else {
            failures.push(format!("{}:\n{found}\nexpected:\n{}", path.display(), case.expected));
        }
    }
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn config() {
    run("config", 30, Case::config);
}

#[test]
fn errors() {
    run("errors", 25, |case| {
        let found = case.config();
        assert!(found.starts_with("error: "), "{}\nwas taken:\n{found}", case.input);
        found
    });
}

#[test]
fn plans() {
    run("plans", 15, Case::plan);
}

/// What `config` prints is read back as the same.
#[test]
fn config_is_stable() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/cases/config");
    for entry in std::fs::read_dir(directory).expect("cases") {
        let path = entry.expect("reads").path();
        let case = read(&std::fs::read_to_string(&path).expect("text"));
        let Ok((first, _)) = load(&case.files, &case.load_options()) else { continue };
        let mut files = Files::default();
        for (name, text) in &case.files.files {
            files.files.insert(name.clone(), text.clone());
        }
        files.files.insert("/p/compose.yaml".into(), first.to_yaml());
        files.variables.clone_from(&case.files.variables);
        let options = LoadOptions {
            directory: "/p".into(),
            files: vec!["/p/compose.yaml".into()],
            profiles: vec!["*".to_owned()],
            ..LoadOptions::default()
        };
        let (second, _) = load(&files, &options)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), first.to_yaml()));
        assert_eq!(second.to_yaml(), first.to_yaml(), "{}", path.display());
    }
}
