//! From a question to its answer: no sockets, no clock.

use simple_dns::rdata::{A, AAAA, PTR, RData};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Seconds that an answer may be remembered.
const TTL: u32 = 60;

/// What is known by name.
pub trait Names {
    /// The addresses of a name (in lower case, without a dot at its end); `None` if it is not
    /// known here.
    fn addresses(&self, name: &str) -> Option<Vec<IpAddr>>;

    /// The name of an address.
    fn name(&self, address: IpAddr) -> Option<String>;
}

/// What to do with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This is the answer.
    Reply(Vec<u8>),
    /// Somebody else knows.
    Forward,
    /// It is no question.
    Ignore,
}

/// Answers a question, if it is about names that are known here.
#[must_use]
pub fn answer(query: &[u8], names: &dyn Names) -> Answer {
    let Ok(packet) = Packet::parse(query) else {
        return Answer::Ignore;
    };
    if packet.has_flags(PacketFlag::RESPONSE) {
        return Answer::Ignore;
    }
    let [question] = packet.questions.as_slice() else {
        return Answer::Forward;
    };
    let internet = matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY);
    if packet.opcode() != OPCODE::StandardQuery || !internet {
        return Answer::Forward;
    }
    let name = question.qname.to_string().to_ascii_lowercase();
    let found: Vec<RData<'_>> = match question.qtype {
        QTYPE::TYPE(TYPE::PTR) => {
            let known = reverse_address(&name).and_then(|address| names.name(address));
            match known.as_deref().and_then(|name| Name::new(name).ok()).map(Name::into_owned) {
                Some(name) => vec![RData::PTR(PTR(name))],
                None => return Answer::Forward,
            }
        }
        kind => {
            let Some(addresses) = names.addresses(&name) else {
                return Answer::Forward;
            };
            let wanted = |address: &IpAddr| match kind {
                QTYPE::TYPE(TYPE::A) => address.is_ipv4(),
                QTYPE::TYPE(TYPE::AAAA) => address.is_ipv6(),
                QTYPE::ANY => true,
                // The name exists, and has nothing of the kind.
                _ => false,
            };
            addresses.into_iter().filter(wanted).map(record).collect()
        }
    };
    let mut reply = reply_to(&packet);
    for data in found {
        reply.answers.push(ResourceRecord::new(question.qname.clone(), CLASS::IN, TTL, data));
    }
    finish(&reply)
}

/// The answer that a question cannot be answered now; or, when `unknown`, that there is no such
/// name.
#[must_use]
pub fn failure(query: &[u8], unknown: bool) -> Option<Vec<u8>> {
    let packet = Packet::parse(query).ok()?;
    let mut reply = reply_to(&packet);
    *reply.rcode_mut() = if unknown { RCODE::NameError } else { RCODE::ServerFailure };
    match finish(&reply) {
        Answer::Reply(bytes) => Some(bytes),
        _ => None,
    }
}

fn record(address: IpAddr) -> RData<'static> {
    match address {
        IpAddr::V4(address) => RData::A(A { address: address.to_bits() }),
        IpAddr::V6(address) => RData::AAAA(AAAA { address: address.to_bits() }),
    }
}

fn reply_to<'a>(query: &Packet<'a>) -> Packet<'a> {
    let mut reply = Packet::new_reply(query.id());
    reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
    if query.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    *reply.opcode_mut() = query.opcode();
    reply.questions = query.questions.clone();
    reply
}

fn finish(reply: &Packet<'_>) -> Answer {
    reply.build_bytes_vec_compressed().map_or(Answer::Ignore, Answer::Reply)
}

/// The address in a name such as `2.0.17.172.in-addr.arpa`.
fn reverse_address(name: &str) -> Option<IpAddr> {
    if let Some(rest) = name.strip_suffix(".in-addr.arpa") {
        let mut octets = [0; 4];
        let mut parts = rest.split('.');
        for octet in octets.iter_mut().rev() {
            *octet = parts.next()?.parse().ok()?;
        }
        return parts.next().is_none().then(|| Ipv4Addr::from(octets).into());
    }
    let rest = name.strip_suffix(".ip6.arpa")?;
    let mut bits: u128 = 0;
    let mut parts = rest.split('.');
    for index in 0..32 {
        let part = parts.next().filter(|part| part.len() == 1)?;
        bits |= u128::from(u8::from_str_radix(part, 16).ok()?) << (index * 4);
    }
    parts.next().is_none().then(|| Ipv6Addr::from(bits).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::Question;

    struct Known;

    impl Names for Known {
        fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
            (name == "web").then(|| vec!["172.18.0.2".parse().unwrap(), "fd00::2".parse().unwrap()])
        }

        fn name(&self, address: IpAddr) -> Option<String> {
            ["172.18.0.2", "fd00::2"]
                .contains(&address.to_string().as_str())
                .then(|| "web.mynet".to_owned())
        }
    }

    fn query(name: &str, kind: TYPE) -> Vec<u8> {
        let mut packet = Packet::new_query(7);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let name = Name::new(name).unwrap();
        packet.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), false));
        packet.build_bytes_vec().unwrap()
    }

    /// The answers' data, or how it was not answered.
    fn check(name: &str, kind: TYPE, expected: &str) {
        let query = query(name, kind);
        let text = match answer(&query, &Known) {
            Answer::Reply(bytes) => {
                let reply = Packet::parse(&bytes).unwrap();
                assert_eq!((reply.id(), reply.rcode()), (7, RCODE::NoError));
                assert!(reply.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED));
                let data = reply.answers.iter().map(|record| match &record.rdata {
                    RData::A(a) => Ipv4Addr::from_bits(a.address).to_string(),
                    RData::AAAA(a) => Ipv6Addr::from_bits(a.address).to_string(),
                    RData::PTR(name) => name.0.to_string(),
                    other => format!("{other:?}"),
                });
                data.collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        };
        assert_eq!(text, expected, "{name} {kind:?}");
    }

    #[test]
    fn what_is_known_is_answered() {
        check("web", TYPE::A, "172.18.0.2");
        check("WeB", TYPE::AAAA, "fd00::2");
        check("web", TYPE::MX, "");
        check("2.0.18.172.in-addr.arpa", TYPE::PTR, "web.mynet");
        let v6 = format!("2.{}0.0.d.f.ip6.arpa", "0.".repeat(27));
        check(&v6, TYPE::PTR, "web.mynet");
        check("example.com", TYPE::A, "Forward");
        check("9.0.18.172.in-addr.arpa", TYPE::PTR, "Forward");
        check("9.9.0.18.172.in-addr.arpa", TYPE::PTR, "Forward");
    }

    #[test]
    fn rubbish_is_ignored() {
        let good = query("web", TYPE::A);
        for end in 0..good.len() {
            assert_eq!(answer(&good[..end], &Known), Answer::Ignore, "{end}");
        }
        let Answer::Reply(reply) = answer(&good, &Known) else { panic!("answered") };
        assert_eq!(answer(&reply, &Known), Answer::Ignore, "answers are not answered");
    }

    #[test]
    fn failures_name_the_question() {
        let bytes = failure(&query("x", TYPE::A), true).unwrap();
        let reply = Packet::parse(&bytes).unwrap();
        assert_eq!((reply.rcode(), reply.questions.len()), (RCODE::NameError, 1));
    }
}
