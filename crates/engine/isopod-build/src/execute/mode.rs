//! `--chmod`: octal, or symbolic as `chmod(1)` has it.

/// Whether a mode can be understood.
pub(crate) fn check(text: &str) -> Result<(), String> {
    change(text, 0o644, false).map(|_| ())
}

/// The mode that `text` makes of one.
pub(super) fn change(text: &str, mode: u32, directory: bool) -> Result<u32, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).ok_or_else(|| {
            format!("invalid chmod parameter: {text:?}: expected octal digits up to 7777")
        });
    }
    let invalid =
        || format!("invalid chmod parameter: {text:?}: expected octal digits, or such as u+x,go=r");
    let mut mode = mode;
    for clause in text.split(',') {
        let operator = clause.find(['+', '-', '=']).ok_or_else(invalid)?;
        let (who, rest) = clause.split_at(operator);
        let mut mask = 0;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return Err(invalid()),
            };
        }
        if who.is_empty() {
            mask = 0o7777;
        }
        let mut bits = 0;
        for c in rest[1..].chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if directory || mode & 0o111 != 0 => 0o111,
                'X' => 0,
                's' => 0o6000,
                't' => 0o1000,
                _ => return Err(invalid()),
            };
        }
        bits &= mask;
        match &rest[..1] {
            "+" => mode |= bits,
            "-" => mode &= !bits,
            _ => mode = (mode & !(mask & 0o777)) | bits,
        }
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn modes() {
        for (text, before, directory, after) in [
            ("755", 0o644, false, 0o755),
            ("0600", 0o644, false, 0o600),
            ("u+x", 0o644, false, 0o744),
            ("+x", 0o644, false, 0o755),
            ("go-r", 0o644, false, 0o600),
            ("a=rX", 0o600, true, 0o555),
            ("a=rX", 0o600, false, 0o444),
            ("u=rwx,go=", 0o644, false, 0o700),
        ] {
            assert_eq!(change(text, before, directory), Ok(after), "{text}");
        }
        for text in ["", "99", "u", "q+x", "77777", "u+z"] {
            assert!(change(text, 0o644, false).is_err(), "{text}");
        }
    }
}
