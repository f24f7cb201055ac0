//! Random numbers for `shuf` and `sort -R`: xoshiro256++ seeded by the kernel, or a file's bytes.

use isobox_applet::{Error, Input, Result};

/// A source of random numbers.
pub(crate) enum Random<'a> {
    Generator([u64; 4]),
    File(Input<'a>),
}

impl<'a> Random<'a> {
    pub(crate) fn from_kernel() -> Self {
        let mut bytes = [0; 32];
        // Before the pool is filled, at boot, the time and process must do.
        if !matches!(
            rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::NONBLOCK),
            Ok(32)
        ) {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |now| now.as_nanos());
            bytes[..16].copy_from_slice(&now.to_ne_bytes());
            bytes[16..20].copy_from_slice(&std::process::id().to_ne_bytes());
            bytes[31] = 1;
        }
        let word = |at: usize| {
            u64::from_ne_bytes(bytes[at * 8..at * 8 + 8].try_into().expect("eight bytes"))
        };
        Self::Generator([word(0), word(1), word(2), word(3)])
    }

    pub(crate) fn from_file(input: Input<'a>) -> Self {
        Self::File(input)
    }

    fn next(&mut self) -> Result<u64> {
        match self {
            Self::Generator(state) => {
                let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
                let shifted = state[1] << 17;
                state[2] ^= state[0];
                state[3] ^= state[1];
                state[1] ^= state[2];
                state[0] ^= state[3];
                state[2] ^= shifted;
                state[3] = state[3].rotate_left(45);
                Ok(result)
            }
            Self::File(input) => {
                let mut bytes = [0; 8];
                if input.read_full(&mut bytes).map_err(Error::Read)? < 8 {
                    return Err(Error::message("the random source has ended"));
                }
                Ok(u64::from_le_bytes(bytes))
            }
        }
    }

    /// A number below `bound`, all equally likely.
    pub(crate) fn below(&mut self, bound: u64) -> Result<u64> {
        let limit = u64::MAX - u64::MAX % bound.max(1);
        loop {
            let number = self.next()?;
            if number < limit {
                return Ok(number % bound.max(1));
            }
        }
    }
}
