//! Plans, as text: each `plans/*.plan` holds a Dockerfile, what was asked for, and the plan.
//! `UPDATE_EXPECT=1` writes the plans anew.

use isopod_base::Digest;
use isopod_build::{BaseImage, Bases, Planned, Request, plan};
use isopod_dockerfile::Dockerfile;
use isopod_oci::image::{ImageConfig, Platform};
use std::path::Path;

const SEPARATOR: &str = "=====\n";

/// The plan of a file as text; images that it needs are like `debian`.
fn plan_text(options: &str, text: &str) -> String {
    let file = match Dockerfile::parse("Dockerfile", text) {
        Ok(file) => file,
        Err(error) => return format!("{error}\n"),
    };
    let platform = Platform {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        ..Platform::default()
    };
    let mut request =
        Request { platform: platform.clone(), build_platform: platform, ..Request::default() };
    for option in options.split_whitespace() {
        match option.split_once('=') {
            Some(("target", value)) => request.target = Some(value.to_owned()),
            Some(("label", value)) => _ = request.labels.insert(value.to_owned(), "1".to_owned()),
            Some(("context", value)) => request.contexts.push(value.to_owned()),
            Some((name, value)) => {
                request.build_args.insert(name.to_owned(), Some(value.to_owned()));
            }
            None => panic!("unknown option {option}"),
        }
    }
    let mut bases = Bases::new();
    loop {
        match plan(&file, &request, &bases) {
            Err(error) => return format!("{error}\n"),
            Ok(Planned::Ready(plan)) => return plan.to_string(),
            Ok(Planned::Needs(wanted)) => {
                for wanted in wanted {
                    let mut config = ImageConfig::default();
                    config.platform.os = "linux".to_owned();
                    config.platform.architecture = "amd64".to_owned();
                    config.config.env = vec!["PATH=/bin".to_owned()];
                    if wanted.name == "triggers" {
                        config.config.on_build =
                            vec!["COPY . /app".to_owned(), "RUN make".to_owned()];
                    }
                    let id = Digest::sha256(wanted.name.as_bytes());
                    bases.insert(wanted, BaseImage { id, config });
                }
            }
        }
    }
}

#[test]
fn plans_are_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build/plans");
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).expect("plans") {
        let path = entry.expect("reads").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let mut parts = text.splitn(3, SEPARATOR);
        let (options, file) = (parts.next().expect("options"), parts.next().expect("a file"));
        let found = plan_text(options, file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let all = format!("{options}{SEPARATOR}{file}{SEPARATOR}{found}");
            std::fs::write(&path, all).expect("writable");
        } else {
            assert_eq!(found, parts.next().unwrap_or_default(), "{}", path.display());
        }
        count += 1;
    }
    assert!(count >= 6, "{count}");
}
