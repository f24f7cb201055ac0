//! The shortest way from one sequence to another: Myers' algorithm in linear space (An O(ND)
//! Difference Algorithm and Its Variations, 1986), which finds the middle of the way from both
//! ends at once. Where that takes too many steps the best point so far is taken as the middle.

/// Steps after which a search may settle for less than the shortest way.
const STEPS: isize = 4096;

/// Which elements of each sequence are not part of the common one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) old: Vec<bool>,
    pub(crate) new: Vec<bool>,
}

/// Compares two sequences of numbers.
pub(crate) fn changed(old: &[u32], new: &[u32], minimal: bool) -> Changed {
    let mut result = Changed { old: vec![false; old.len()], new: vec![false; new.len()] };
    // What occurs on one side only is changed for certain; without it the rest is found quickly.
    let (old_kept, new_kept) = (kept(old, new, &mut result.old), kept(new, old, &mut result.new));
    let numbers = |sequence: &[u32], kept: &[usize]| -> Vec<u32> {
        kept.iter().map(|at| sequence[*at]).collect()
    };
    let (a, b) = (numbers(old, &old_kept), numbers(new, &new_kept));
    let diagonals = a.len() + b.len() + 3;
    let mut search = Search {
        a: &a,
        b: &b,
        forward: vec![0; diagonals],
        backward: vec![0; diagonals],
        zero: isize::try_from(b.len()).expect("a length") + 1,
        minimal,
    };
    let mut parts = vec![(0, a.len(), 0, b.len())];
    while let Some((mut x, mut x_end, mut y, mut y_end)) = parts.pop() {
        while x < x_end && y < y_end && a[x] == b[y] {
            (x, y) = (x + 1, y + 1);
        }
        while x < x_end && y < y_end && a[x_end - 1] == b[y_end - 1] {
            (x_end, y_end) = (x_end - 1, y_end - 1);
        }
        if x == x_end || y == y_end {
            old_kept[x..x_end].iter().for_each(|at| result.old[*at] = true);
            new_kept[y..y_end].iter().for_each(|at| result.new[*at] = true);
            continue;
        }
        let (x_middle, y_middle) = search.middle(x, x_end, y, y_end);
        parts.push((x, x_middle, y, y_middle));
        parts.push((x_middle, x_end, y_middle, y_end));
    }
    shift(old, &mut result.old, &result.new);
    shift(new, &mut result.new, &result.old);
    result
}

/// The places of elements that occur in `other` too; marks the others.
fn kept(sequence: &[u32], other: &[u32], changed: &mut [bool]) -> Vec<usize> {
    let most = other.iter().max().map_or(0, |most| *most as usize + 1);
    let mut occurs = vec![false; most];
    other.iter().for_each(|number| occurs[*number as usize] = true);
    let mut places = Vec::with_capacity(sequence.len());
    for (at, number) in sequence.iter().enumerate() {
        if occurs.get(*number as usize) == Some(&true) {
            places.push(at);
        } else {
            changed[at] = true;
        }
    }
    places
}

struct Search<'s> {
    a: &'s [u32],
    b: &'s [u32],
    /// For each diagonal (x - y) how far the ways from the start have come, as x.
    forward: Vec<isize>,
    /// The same from the end.
    backward: Vec<isize>,
    /// Where the diagonal 0 is kept.
    zero: isize,
    minimal: bool,
}

impl Search<'_> {
    fn forward(&mut self, diagonal: isize) -> &mut isize {
        &mut self.forward[(diagonal + self.zero).unsigned_abs()]
    }

    fn backward(&mut self, diagonal: isize) -> &mut isize {
        &mut self.backward[(diagonal + self.zero).unsigned_abs()]
    }

    /// A point on the shortest way through a part whose corners do not match.
    fn middle(&mut self, x: usize, x_end: usize, y: usize, y_end: usize) -> (usize, usize) {
        let signed = |value: usize| isize::try_from(value).expect("a length");
        let (x, x_end, y, y_end) = (signed(x), signed(x_end), signed(y), signed(y_end));
        let (least, most) = (x - y_end, x_end - y);
        let (start, end) = (x - y, x_end - y_end);
        let odd = (start - end) & 1 != 0;
        let (mut from, mut to) = (start, start);
        let (mut back_from, mut back_to) = (end, end);
        *self.forward(start) = x;
        *self.backward(end) = x_end;
        let point = |x: isize, diagonal: isize| (x.unsigned_abs(), (x - diagonal).unsigned_abs());
        for cost in 1.. {
            if from > least {
                from -= 1;
                *self.forward(from - 1) = -1;
            } else {
                from += 1;
            }
            if to < most {
                to += 1;
                *self.forward(to + 1) = -1;
            } else {
                to -= 1;
            }
            let mut diagonal = to;
            while diagonal >= from {
                let (below, above) = (*self.forward(diagonal - 1), *self.forward(diagonal + 1));
                let mut at = if below < above { above } else { below + 1 };
                while at < x_end
                    && at - diagonal < y_end
                    && self.a[at.unsigned_abs()] == self.b[(at - diagonal).unsigned_abs()]
                {
                    at += 1;
                }
                *self.forward(diagonal) = at;
                if odd
                    && (back_from..=back_to).contains(&diagonal)
                    && *self.backward(diagonal) <= at
                {
                    return point(at, diagonal);
                }
                diagonal -= 2;
            }
            if back_from > least {
                back_from -= 1;
                *self.backward(back_from - 1) = isize::MAX;
            } else {
                back_from += 1;
            }
            if back_to < most {
                back_to += 1;
                *self.backward(back_to + 1) = isize::MAX;
            } else {
                back_to -= 1;
            }
            let mut diagonal = back_to;
            while diagonal >= back_from {
                let (below, above) = (*self.backward(diagonal - 1), *self.backward(diagonal + 1));
                let mut at = if below < above { below } else { above - 1 };
                while at > x
                    && at - diagonal > y
                    && self.a[(at - 1).unsigned_abs()] == self.b[(at - 1 - diagonal).unsigned_abs()]
                {
                    at -= 1;
                }
                *self.backward(diagonal) = at;
                if !odd && (from..=to).contains(&diagonal) && at <= *self.forward(diagonal) {
                    return point(at, diagonal);
                }
                diagonal -= 2;
            }
            if !self.minimal && cost >= STEPS {
                return self.best((x, x_end, y, y_end), (from, to), (back_from, back_to));
            }
        }
        unreachable!("the two ends meet")
    }

    /// The point that has come farthest, from either end.
    fn best(
        &mut self,
        (x, x_end, y, y_end): (isize, isize, isize, isize),
        (from, to): (isize, isize),
        (back_from, back_to): (isize, isize),
    ) -> (usize, usize) {
        let mut forward = (isize::MIN, 0, 0);
        let mut diagonal = to;
        while diagonal >= from {
            let mut at = (*self.forward(diagonal)).min(x_end);
            at = at.min(y_end + diagonal);
            forward = forward.max((at + at - diagonal, at, diagonal));
            diagonal -= 2;
        }
        let mut backward = (isize::MAX, 0, 0);
        let mut diagonal = back_to;
        while diagonal >= back_from {
            let mut at = (*self.backward(diagonal)).max(x);
            at = at.max(y + diagonal);
            backward = backward.min((at + at - diagonal, at, diagonal));
            diagonal -= 2;
        }
        let forward_is_better = x_end + y_end - backward.0 < forward.0 - (x + y);
        let (_, at, diagonal) = if forward_is_better { forward } else { backward };
        (at.unsigned_abs(), (at - diagonal).unsigned_abs())
    }
}

/// A run of changed lines may often be moved: `{ }` inserted before `}` is as well `} {`. Runs
/// move together where they meet, then to a change of the other side, otherwise to the end.
fn shift(sequence: &[u32], changed: &mut [bool], other: &[bool]) {
    let is = |list: &[bool], at: usize| list.get(at).copied().unwrap_or(false);
    let end = sequence.len();
    let (mut i, mut j) = (0, 0);
    loop {
        // To the next run, and the place on the other side that goes with it.
        while i < end && !changed[i] {
            while is(other, j) {
                j += 1;
            }
            (i, j) = (i + 1, j + 1);
        }
        if i == end {
            return;
        }
        let mut start = i;
        while is(changed, i) {
            i += 1;
        }
        while is(other, j) {
            j += 1;
        }
        let mut corresponding;
        loop {
            let length = i - start;
            while start > 0 && sequence[start - 1] == sequence[i - 1] {
                (start, i) = (start - 1, i - 1);
                changed[start] = true;
                changed[i] = false;
                while start > 0 && changed[start - 1] {
                    start -= 1;
                }
                j -= 1;
                while j > 0 && is(other, j) {
                    j -= 1;
                }
            }
            corresponding = if j > 0 && is(other, j - 1) { i } else { end };
            while i != end && sequence[start] == sequence[i] {
                changed[start] = false;
                changed[i] = true;
                (start, i) = (start + 1, i + 1);
                while is(changed, i) {
                    i += 1;
                }
                j += 1;
                while is(other, j) {
                    j += 1;
                    corresponding = i;
                }
            }
            if length == i - start {
                break;
            }
        }
        while corresponding < i {
            (start, i) = (start - 1, i - 1);
            changed[start] = true;
            changed[i] = false;
            j -= 1;
            while j > 0 && is(other, j) {
                j -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of both is the same.
    fn check(old: &[u32], new: &[u32], minimal: bool) -> usize {
        let changed = changed(old, new, minimal);
        let rest = |sequence: &[u32], changed: &[bool]| -> Vec<u32> {
            let kept = sequence.iter().zip(changed).filter(|(_, changed)| !**changed);
            kept.map(|(number, _)| *number).collect()
        };
        assert_eq!(rest(old, &changed.old), rest(new, &changed.new));
        changed.old.iter().chain(&changed.new).filter(|changed| **changed).count()
    }

    #[test]
    fn the_shortest_way_is_found() {
        assert_eq!(check(&[1, 2, 3, 1, 2, 2, 1], &[3, 2, 1, 2, 1, 3], true), 5);
        assert_eq!(check(&[], &[1, 2], true), 2);
        assert_eq!(check(&[1, 2, 3], &[1, 2, 3], true), 0);
        assert_eq!(check(&[1, 2, 3], &[2], true), 2);
    }

    #[test]
    fn random_sequences_have_their_common_one() {
        let mut state = 7_u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..300 {
            let length = random(60);
            let old: Vec<u32> = (0..length).map(|_| random(8)).collect();
            let mut new = old.clone();
            for _ in 0..random(12) {
                let at = random(u32::try_from(new.len()).unwrap() + 1) as usize;
                if random(2) == 0 || at == new.len() {
                    new.insert(at, random(8));
                } else {
                    new.remove(at);
                }
            }
            let (minimal, _) = (check(&old, &new, true), check(&new, &old, false));
            assert!(minimal <= old.len() + new.len());
        }
    }

    #[test]
    fn a_run_moves_to_its_end() {
        // a b a b: the second pair is the new one.
        let changed = changed(&[1, 2], &[1, 2, 1, 2], true);
        assert_eq!(changed.new, [false, false, true, true]);
    }
}
