//! Questions about names, as a container sends them: anything at all.
#![no_main]

use isopod_network::dns::{Answer, Names, answer, failure};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

struct Known;

impl Names for Known {
    fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        (name.len() % 2 == 0).then(|| vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([0; 16])])
    }

    fn name(&self, address: IpAddr) -> Option<String> {
        address.is_ipv4().then(|| "web.own".to_owned())
    }
}

fuzz_target!(|query: &[u8]| {
    if let Answer::Reply(reply) = answer(query, &Known) {
        // What we answer is an answer: nobody could be made to answer it in turn.
        assert_eq!(answer(&reply, &Known), Answer::Ignore);
        assert_eq!(reply[..2], query[..2], "to this question");
    }
    let _ = failure(query, true);
});
