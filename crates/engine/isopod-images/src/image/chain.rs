//! Chain ids: digests of a layer with all below it (image specification, "Layer ChainID").

use isopod_base::Digest;

/// The chain id of each layer, the lowest first.
#[must_use]
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let next = match chain.last() {
            None => diff_id.clone(),
            Some(below) => upon(below, diff_id),
        };
        chain.push(next);
    }
    chain
}

/// The chain id of a layer upon a chain.
pub(super) fn upon(below: &Digest, diff_id: &Digest) -> Digest {
    Digest::sha256(format!("{below} {diff_id}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_two() {
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let chain = chain_ids(&[a.clone(), b.clone()]);
        assert_eq!(chain[0], a);
        assert_eq!(chain[1], Digest::sha256(format!("{a} {b}").as_bytes()));
    }
}
