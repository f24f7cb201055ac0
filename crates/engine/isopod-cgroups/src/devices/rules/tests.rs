//! Rules, transitions and refusals by table; a rule is written `+c 1:3 rwm` or `-a`.

use super::*;

fn spec(text: &str) -> LinuxDeviceCgroup {
    let (sign, rest) = text.split_at(1);
    let mut fields = rest.split(' ');
    let kind = fields.next().expect("type").to_owned();
    let numbers = fields.next().unwrap_or("*:*");
    let (major, minor) = numbers.split_once(':').expect("numbers");
    let number = |n: &str| n.parse().ok();
    LinuxDeviceCgroup {
        allow: sign == "+",
        kind: Some(kind),
        major: number(major),
        minor: number(minor),
        access: fields.next().map(str::to_owned),
    }
}

fn rules(list: &[&str]) -> Result<Rules> {
    Rules::from_spec(&list.iter().map(|text| spec(text)).collect::<Vec<_>>())
}

fn check(from: &str, to: &[&str], expected: &[&str]) {
    let from = Rules::from_list(from).expect("list");
    let to = rules(to).expect("rules");
    let steps: Vec<String> = from
        .transition_to(&to)
        .iter()
        .map(|step| format!("{}{step}", if step.allow { '+' } else { '-' }))
        .collect();
    assert_eq!(steps, expected);
}

#[test]
fn transitions() {
    // A new group allows all, as its parent does.
    check("a *:* rwm", &["-a", "+c 1:3 rwm"], &["-a *:* rwm", "+c 1:3 rwm"]);
    // Nothing to do.
    check("c 1:3 rwm\nc *:* m", &["-a", "+c *:* m", "+c 1:3 rwm"], &[]);
    // Only what differs, and access letter by letter.
    check(
        "c 1:3 rwm\nc 1:5 r",
        &["-a", "+c 1:3 rw", "+c 1:7 r"],
        &["-c 1:3 m", "-c 1:5 r", "+c 1:7 r"],
    );
    check("c 1:3 r", &["-a", "+c 1:3 rw"], &["+c 1:3 w"]);
    // To "all but".
    check("c 1:3 r", &["+a", "-b 8:0 rwm"], &["+a *:* rwm", "-b 8:0 rwm"]);
    check("a *:* rwm", &["+a"], &[]);
    // Without a default rule a container is confined.
    check("a *:* rwm", &["+b 8:* r"], &["-a *:* rwm", "+b 8:* r"]);
    check("a *:* rwm", &[], &["-a *:* rwm"]);
}

#[test]
fn later_rules_win() {
    assert_eq!(
        rules(&["-a", "+c 1:3 rwm", "-c 1:3 w"]).expect("valid"),
        rules(&["+c 1:3 rm"]).expect("valid")
    );
    assert_eq!(rules(&["+c 1:3 rwm", "-c 1:3 rwm"]).expect("valid"), Rules::default());
    assert_eq!(rules(&["+c 1:3 rwm", "-a"]).expect("valid"), Rules::default());
}

#[test]
fn holes_in_wildcards_are_refused() {
    for list in [
        &["+c *:* rwm", "-c 1:3 w"][..],
        &["+c 10:* m", "-c 10:200 m"],
        &["+c 10:200 m", "-c 10:* m"],
        &["+a", "-b *:* w", "+b 8:0 rwm"],
    ] {
        assert!(matches!(rules(list), Err(Error::InvalidValue { .. })), "{list:?}");
    }
    // Other letters do not touch.
    rules(&["+c *:* m", "-c 1:3 rw"]).expect("no overlap");
}

#[test]
fn faults_name_the_rule() {
    for (rule, expected) in [
        ("+x 1:3 rwm", "linux.resources.devices[0].type"),
        ("+c 1:3 rx", "linux.resources.devices[0].access"),
        ("+c 1:3", "linux.resources.devices[0].access"),
        ("+c -2:3 r", "linux.resources.devices[0].major"),
        ("+c 1:4294967296 r", "linux.resources.devices[0].minor"),
    ] {
        let error = rules(&[rule]).expect_err(rule).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(Rules::from_list("c 1:3 rwm\nc 1"), Err("c 1"));
}

#[test]
fn lists_are_read_back() {
    let target =
        Rules::from_spec(&crate::devices::default_rules().collect::<Vec<_>>()).expect("valid");
    let listed: Vec<String> =
        Rules::default().transition_to(&target).iter().map(ToString::to_string).collect();
    assert_eq!(Rules::from_list(&listed.join("\n")), Ok(target));
}
