//! `network create`.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use isopod_docker_types::{Ipam, IpamConfig, NetworkCreateRequest, NetworkCreateResponse};

use crate::args::{Flag, Parsed, boolean, list, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::session::Session;

static FLAGS: &[Flag] = &[
    boolean("attachable", ' ', "Accepted as docker has it: it matters in a swarm only"),
    list("aux-address", ' ', "Address that no container gets, NAME=ADDRESS").named("map"),
    text("driver", 'd', "Driver: bridge or macvlan").default("bridge"),
    list("gateway", ' ', "Gateway of a subnet").named("strings"),
    boolean("internal", ' ', "Nothing leaves it, and nothing comes in"),
    list("ip-range", ' ', "Part of a subnet that containers' addresses are from").named("strings"),
    text("ipam-driver", ' ', "Driver of the address management").default("default"),
    list("ipam-opt", ' ', "Option of the address management").named("map"),
    switch_on("ipv4", ' ', "Give containers IPv4 addresses"),
    boolean("ipv6", ' ', "Give containers IPv6 addresses"),
    list("label", ' ', "Label (KEY=VALUE)"),
    list("opt", 'o', "Option of the driver, such as parent=eth0").named("map"),
    list("subnet", ' ', "Subnet such as 10.1.0.0/16").named("strings"),
];

pub(super) static CREATE: Command = Command {
    names: &["network create"],
    usage: "[OPTIONS] NETWORK",
    summary: "Create a network",
    examples: &[
        ("network create backend", "A network whose containers find each other by name"),
        ("network create --subnet 10.1.0.0/16 --gateway 10.1.0.1 office", "With these addresses"),
        ("network create --internal vault", "One without a way out"),
        ("network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 lan", "On the LAN"),
    ],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(create(session, flags)),
    ..Command::DEFAULT
};

async fn create(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let body = request(&flags)?;
    let answer: NetworkCreateResponse = session.client.post("/networks/create", &body).await?;
    if !answer.warning.is_empty() {
        writeln!(stderr(), "WARNING: {}", answer.warning).context("write to standard error")?;
    }
    writeln!(stdout(), "{}", answer.id).context("write to standard output")?;
    Ok(0)
}

fn request(flags: &Parsed) -> Result<NetworkCreateRequest> {
    let given = |name: &str| flags.given(name).then(|| flags.on(name));
    Ok(NetworkCreateRequest {
        name: flags.operands.first().cloned().unwrap_or_default(),
        driver: flags.get("driver").unwrap_or("bridge").to_owned(),
        enable_ipv4: given("ipv4"),
        enable_ipv6: given("ipv6"),
        ipam: Some(Ipam {
            driver: flags.get("ipam-driver").unwrap_or("default").to_owned(),
            options: pairs(flags.list("ipam-opt")),
            config: subnets(flags)?,
        }),
        internal: flags.on("internal"),
        attachable: flags.on("attachable"),
        options: pairs(flags.list("opt")),
        labels: pairs(flags.list("label")),
        ..NetworkCreateRequest::default()
    })
}

pub(super) fn pairs(arguments: &[String]) -> BTreeMap<String, String> {
    let split = |argument: &String| {
        let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
        (key.to_owned(), value.to_owned())
    };
    arguments.iter().map(split).collect()
}

/// Subnets with the gateways, ranges and other addresses that are in them.
fn subnets(flags: &Parsed) -> Result<Vec<IpamConfig>> {
    let parts = |name: &str| -> Vec<String> {
        flags.list(name).iter().flat_map(|v| v.split(',')).map(str::to_owned).collect()
    };
    let mut configs: Vec<IpamConfig> = Vec::new();
    for subnet in parts("subnet") {
        let range = Range::parse(&subnet)?;
        if configs.iter().any(|other| Range::parse(&other.subnet).is_ok_and(|o| o.overlaps(&range)))
        {
            bail!("multiple overlapping subnet configuration is not supported");
        }
        configs.push(IpamConfig { subnet, ..IpamConfig::default() });
    }
    for (name, what) in [("ip-range", "range"), ("gateway", "gateway")] {
        for value in parts(name) {
            let inside = Range::parse(value.split('/').next().unwrap_or(&value))?;
            let config = place(&mut configs, &inside)
                .ok_or_else(|| anyhow!("no matching subnet for {what} {value}"))?;
            let place = if name == "gateway" { &mut config.gateway } else { &mut config.ip_range };
            if !place.is_empty() {
                bail!(
                    "cannot configure multiple {what}s ({value}, {place}) on the same subnet ({})",
                    config.subnet
                );
            }
            *place = value;
        }
    }
    for (name, address) in pairs(flags.list("aux-address")) {
        let inside = Range::parse(&address)?;
        let config = place(&mut configs, &inside)
            .ok_or_else(|| anyhow!("no matching subnet for aux-address {address}"))?;
        config.auxiliary_addresses.insert(name, address);
    }
    Ok(configs)
}

fn place<'a>(configs: &'a mut [IpamConfig], inside: &Range) -> Option<&'a mut IpamConfig> {
    configs.iter_mut().find(|config| Range::parse(&config.subnet).is_ok_and(|s| s.overlaps(inside)))
}

/// First and last address, as numbers.
struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

impl Range {
    fn parse(text: &str) -> Result<Self> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let parsed: IpAddr =
            address.parse().map_err(|_| anyhow!("invalid address or subnet: {text}"))?;
        let (bits, width) = match parsed {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let prefix: u32 = if prefix.is_empty() { width } else { prefix.parse().unwrap_or(999) };
        if prefix > width {
            bail!("invalid CIDR address: {text}");
        }
        let host = match width - prefix {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        };
        Ok(Self { v6: parsed.is_ipv6(), first: bits & !host, last: bits | host })
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.last && other.first <= self.last
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges() {
        let range = |text: &str| Range::parse(text).expect(text);
        assert!(range("10.0.0.0/8").overlaps(&range("10.1.2.3")));
        assert!(!range("10.0.0.0/8").overlaps(&range("11.0.0.1")));
        assert!(!range("0.0.0.0/0").overlaps(&range("::1")));
        for bad in ["x", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert!(Range::parse(bad).is_err(), "{bad}");
        }
    }
}
