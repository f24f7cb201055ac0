//! `factor`: prime factors.

use isobox_applet::{Applet, Context, Error, Result, Status, number};

/// See the usage text.
pub(crate) const FACTOR: Applet = Applet::new(
    "factor",
    factor,
    "[NUMBER]...\n\n\
     Print the prime factors of NUMBERs, or of those on standard input",
);

fn factor(cx: &mut Context<'_>) -> Result<Status> {
    let mut words = std::mem::take(&mut cx.args);
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    if !words.is_empty() {
        for word in &words {
            one(cx, word.to_string_lossy().trim())?;
        }
        return Ok(cx.status());
    }
    let mut input = isobox_applet::Input::from(cx.stdin);
    while let Some(line) = input.line(b'\n').map_err(Error::Read)? {
        let line = String::from_utf8_lossy(line).into_owned();
        for word in line.split_whitespace() {
            one(cx, word)?;
        }
    }
    Ok(cx.status())
}

fn one(cx: &mut Context<'_>, text: &str) -> Result<()> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let number: Option<u128> =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    let Some(number) = number else {
        cx.report(&number::invalid(text.as_ref()));
        return Ok(());
    };
    write!(cx.stdout, "{number}:")?;
    let mut factors = Vec::new();
    split(number, &mut factors);
    factors.sort_unstable();
    for factor in factors {
        write!(cx.stdout, " {factor}")?;
    }
    cx.stdout.put(b"\n")
}

/// Small primes by division, the rest by Pollard's rho with Brent's cycles.
fn split(mut number: u128, factors: &mut Vec<u128>) {
    if number < 2 {
        return;
    }
    let mut divisor = 2;
    while divisor < 2000 && divisor * divisor <= number {
        while number.is_multiple_of(divisor) {
            factors.push(divisor);
            number /= divisor;
        }
        divisor += if divisor == 2 { 1 } else { 2 };
    }
    if number > 1 {
        split_large(number, factors);
    }
}

fn split_large(number: u128, factors: &mut Vec<u128>) {
    if number < 2000 * 2000 || is_prime(number) {
        factors.push(number);
        return;
    }
    let divisor =
        (1..).find_map(|seed| rho(number, seed)).expect("a composite number has a divisor");
    split_large(divisor, factors);
    split_large(number / divisor, factors);
}

fn multiply(a: u128, b: u128, modulus: u128) -> u128 {
    if modulus <= 1 << 64 {
        return a * b % modulus;
    }
    let (mut a, mut b, mut product) = (a, b, 0_u128);
    // Doubling, with sums that cannot overflow.
    let add = |x: u128, y: u128| if x >= modulus - y { x - (modulus - y) } else { x + y };
    while b > 0 {
        if b & 1 == 1 {
            product = add(product, a);
        }
        a = add(a, a);
        b >>= 1;
    }
    product
}

fn power(mut base: u128, mut exponent: u128, modulus: u128) -> u128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base, modulus);
        }
        base = multiply(base, base, modulus);
        exponent >>= 1;
    }
    result
}

/// Miller and Rabin's test; with these bases it is exact below 3.3e24.
fn is_prime(number: u128) -> bool {
    let shift = (number - 1).trailing_zeros();
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41].iter().all(|&base| {
        let mut value = power(base, (number - 1) >> shift, number);
        if value == 1 || value == number - 1 {
            return true;
        }
        (1..shift).any(|_| {
            value = multiply(value, value, number);
            value == number - 1
        })
    })
}

fn rho(number: u128, seed: u128) -> Option<u128> {
    let step = |x: u128| (multiply(x, x, number) + seed) % number;
    let (mut slow, mut fast, mut product) = (2, 2, 1);
    let mut count = 0_u32;
    let mut saved = (slow, fast);
    loop {
        slow = step(slow);
        fast = step(step(fast));
        if slow == fast {
            break;
        }
        product = multiply(product, slow.abs_diff(fast), number);
        count += 1;
        if count.is_multiple_of(64) {
            if gcd(product, number) > 1 {
                break;
            }
            saved = (slow, fast);
        }
    }
    (slow, fast) = saved;
    loop {
        slow = step(slow);
        fast = step(step(fast));
        let divisor = gcd(slow.abs_diff(fast), number);
        if divisor == number {
            return None;
        }
        if divisor > 1 {
            return Some(divisor);
        }
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
