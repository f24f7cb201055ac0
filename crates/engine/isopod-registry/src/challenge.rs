//! `WWW-Authenticate` challenges (RFC 7235, section 4.1).

use http::HeaderMap;

/// Most challenges of one answer, and most parameters of one challenge, that are read.
const MAX_ITEMS: usize = 16;

/// One way in which a server accepts authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// In lower case: `basic`, `bearer`.
    pub(crate) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter; names are in lower case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// All challenges of an answer, in order.
pub(crate) fn from_headers(headers: &HeaderMap) -> Vec<Challenge> {
    headers
        .get_all(http::header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(parse)
        .take(MAX_ITEMS)
        .collect()
}

/// Parses `Scheme name=value, name="quoted value", Other …`; stops at what it cannot read.
pub(crate) fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (token, after) = take_token(rest);
        if token.is_empty() {
            return challenges;
        }
        let name = token.to_ascii_lowercase();
        let after = after.trim_start_matches([' ', '\t']);
        let Some(value) = after.strip_prefix('=') else {
            challenges.push(Challenge { scheme: name, parameters: Vec::new() });
            rest = after;
            continue;
        };
        let (value, after) = take_value(value.trim_start_matches([' ', '\t']));
        let Some(challenge) = challenges.last_mut() else { return challenges };
        if challenge.parameters.len() < MAX_ITEMS {
            challenge.parameters.push((name, value));
        }
        rest = after;
    }
}

fn take_token(text: &str) -> (&str, &str) {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let end = text.bytes().position(|b| !token(b)).unwrap_or(text.len());
    text.split_at(end)
}

fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_schemes_and_parameters() {
        let all = parse(
            r#"Bearer realm="https://auth/token",service=reg,scope="repository:a:pull,push", Basic realm="a \"b\"""#,
        );
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].scheme, "bearer");
        assert_eq!(all[0].parameter("realm"), Some("https://auth/token"));
        assert_eq!(all[0].parameter("service"), Some("reg"));
        assert_eq!(all[0].parameter("scope"), Some("repository:a:pull,push"));
        assert_eq!(all[1].parameter("realm"), Some(r#"a "b""#));
        assert_eq!(parse("Negotiate")[0].scheme, "negotiate");
    }

    #[test]
    fn survives_nonsense() {
        for text in ["", ",,,", "=", "a=b", "Basic realm=\"", "Basic =", "\"", "Basic a=\"\\"] {
            let _ = parse(text);
        }
        assert!(parse("realm=\"x\"").is_empty());
    }
}
