//! Names for containers that nobody named: an adjective and a noun.

const ADJECTIVES: [&str; 48] = [
    "agile", "amber", "brave", "bright", "calm", "clever", "coral", "crisp", "curious", "dapper",
    "deep", "eager", "early", "fair", "fleet", "gentle", "glad", "golden", "hardy", "honest",
    "jolly", "keen", "kind", "lively", "lucky", "mellow", "merry", "modest", "nimble", "noble",
    "patient", "plucky", "polite", "proud", "quick", "quiet", "ready", "rosy", "sandy", "silver",
    "sleek", "steady", "sunny", "swift", "tidy", "warm", "wise", "witty",
];

const NOUNS: [&str; 48] = [
    "anemone",
    "barnacle",
    "beetle",
    "bivalve",
    "clam",
    "cockle",
    "conch",
    "copepod",
    "crab",
    "crayfish",
    "cricket",
    "curlew",
    "cuttlefish",
    "dolphin",
    "dunlin",
    "eider",
    "gannet",
    "gecko",
    "heron",
    "ibis",
    "isopod",
    "kelp",
    "krill",
    "lagoon",
    "limpet",
    "lobster",
    "mussel",
    "nautilus",
    "newt",
    "otter",
    "oyster",
    "pelican",
    "periwinkle",
    "plover",
    "prawn",
    "puffin",
    "quahog",
    "sandpiper",
    "scallop",
    "seal",
    "shrimp",
    "squid",
    "starfish",
    "tern",
    "turtle",
    "urchin",
    "whelk",
    "woodlouse",
];

/// A name that `taken` does not have.
pub(crate) fn choose(taken: impl Fn(&str) -> bool) -> String {
    for attempt in 0u32.. {
        let [first, second, digit] = isopod_base::id::random_bytes::<3>();
        let mut name = format!(
            "{}_{}",
            ADJECTIVES[usize::from(first) % ADJECTIVES.len()],
            NOUNS[usize::from(second) % NOUNS.len()]
        );
        if attempt >= 3 {
            name.push_str(&(u32::from(digit) + attempt).to_string());
        }
        if !taken(&name) {
            return name;
        }
    }
    unreachable!("numbers do not end before names do")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn names_stay_unique_when_all_pairs_are_taken() {
        let mut taken = HashSet::new();
        for _ in 0..3000 {
            let name = super::choose(|name| taken.contains(name));
            assert!(taken.insert(name));
        }
    }
}
