//! What a container takes from its image.

use crate::{ContainerConfig, Healthcheck};
use isopod_oci::image::ExecutionConfig;

/// Completes a configuration by its image's, as Docker does.
pub(crate) fn merge(config: &mut ContainerConfig, image: &ExecutionConfig) {
    if config.user.is_empty() {
        config.user.clone_from(&image.user);
    }
    config.exposed_ports.extend(image.exposed_ports.keys().cloned());
    merge_env(&mut config.env, &image.env);
    for (key, value) in &image.labels {
        config.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    merge_command(config, image);
    if config.working_dir.is_empty() {
        config.working_dir.clone_from(&image.working_dir);
    }
    config.volumes.extend(image.volumes.keys().cloned());
    if config.stop_signal.is_empty() {
        config.stop_signal = image.stop_signal.clone().unwrap_or_default();
    }
    if config.stop_timeout.is_none() {
        config.stop_timeout = image.stop_timeout;
    }
    merge_healthcheck(&mut config.healthcheck, image.healthcheck.as_ref());
    if config.shell.is_empty() {
        config.shell.clone_from(&image.shell);
    }
}

/// The container's variables first; of the image's those that it does not name.
fn merge_env(env: &mut Vec<String>, image: &[String]) {
    let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    let own: Vec<_> = env.iter().map(|entry| key(entry)).collect();
    env.extend(image.iter().filter(|entry| !own.contains(&key(entry))).cloned());
}

/// An entry point of the user's own takes nothing from the image; `[""]` clears it.
fn merge_command(config: &mut ContainerConfig, image: &ExecutionConfig) {
    if config.entrypoint.as_ref().is_none_or(Vec::is_empty) {
        if config.cmd.as_ref().is_none_or(Vec::is_empty) {
            config.cmd.clone_from(&image.cmd);
        }
        if config.entrypoint.is_none() {
            config.entrypoint.clone_from(&image.entrypoint);
        }
    }
    if config
        .entrypoint
        .as_deref()
        .is_some_and(|words| matches!(words, [] | [_]) && words.iter().all(String::is_empty))
    {
        config.entrypoint = None;
    }
    if config.cmd.as_ref().is_some_and(Vec::is_empty) {
        config.cmd = None;
    }
}

fn merge_healthcheck(
    check: &mut Option<Healthcheck>,
    image: Option<&isopod_oci::image::Healthcheck>,
) {
    let Some(image) = image else {
        return;
    };
    let check = check.get_or_insert_with(Healthcheck::default);
    if check.test.is_empty() {
        check.test.clone_from(&image.test);
    }
    for (own, image) in [
        (&mut check.interval_ns, image.interval),
        (&mut check.timeout_ns, image.timeout),
        (&mut check.start_period_ns, image.start_period),
        (&mut check.start_interval_ns, image.start_interval),
        (&mut check.retries, image.retries),
    ] {
        if *own == 0 {
            *own = image.unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        Some(text.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn commands_and_entry_points_combine() {
        for (own_entry, own_cmd, expected) in [
            (None, None, "entry image-arg"),
            (None, words("a"), "entry a"),
            (words("mine"), None, "mine"),
            (words("mine"), words("a"), "mine a"),
            (Some(vec![String::new()]), words("a"), "a"),
            (Some(vec![]), None, "image-arg"),
        ] {
            let mut config = ContainerConfig {
                entrypoint: own_entry,
                cmd: own_cmd,
                ..ContainerConfig::default()
            };
            let image = ExecutionConfig {
                entrypoint: words("entry"),
                cmd: words("image-arg"),
                ..ExecutionConfig::default()
            };
            merge_command(&mut config, &image);
            let all: Vec<_> =
                [config.entrypoint, config.cmd].into_iter().flatten().flatten().collect();
            assert_eq!(all.join(" "), expected);
        }
    }

    #[test]
    fn variables_of_the_image_do_not_override() {
        let mut env = vec!["A=mine".to_owned(), "GONE".to_owned()];
        merge_env(&mut env, &["A=image".into(), "GONE=1".into(), "B=2".into()]);
        assert_eq!(env, ["A=mine", "GONE", "B=2"]);
    }
}
