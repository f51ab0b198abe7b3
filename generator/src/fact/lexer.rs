//! The words of a check.

use std::net::IpAddr;

use ipnet::IpNet;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name: a field, a quantifier, `and`.
    Name(String),
    /// `$host`.
    Host(String),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Real(f64),
    /// A text between quotes.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// A block of addresses.
    Block(IpNet),
    /// Punctuation and operators.
    Sign(&'static str),
}

const SIGNS: [&str; 23] = [
    "..", "==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", "~", "+", "-",
    "*", "&", "%", "|", "=",
];

/// Divides a text into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = one(rest, first)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn one(rest: &str, first: char) -> Result<(Token, &str), String> {
    if first == '\'' || first == '"' {
        let inner = rest.get(1..).unwrap_or_default();
        let end = inner
            .find(first)
            .ok_or_else(|| format!("the text that begins at {rest:.20} does not end"))?;
        let (text, after) = inner.split_at(end);
        return Ok((
            Token::Text(text.to_owned()),
            after.get(1..).unwrap_or_default(),
        ));
    }
    if first == '$' {
        let (name, after) = word(rest.get(1..).unwrap_or_default(), |c| {
            c.is_ascii_alphanumeric() || c == '-' || c == '_'
        });
        return Ok((Token::Host(name.to_owned()), after));
    }
    if let Some(found) = address(rest) {
        return Ok(found);
    }
    if first.is_ascii_digit() {
        return number(rest);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let (name, after) = word(rest, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
        });
        let name = name.trim_end_matches('.');
        let after = rest.get(name.len()..).unwrap_or(after);
        return Ok((Token::Name(name.to_owned()), after));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    match sign {
        Some(sign) => Ok((
            Token::Sign(sign),
            rest.get(sign.len()..).unwrap_or_default(),
        )),
        None => Err(format!("'{first}' means nothing here")),
    }
}

fn word(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// An address or a block, where one begins.
fn address(rest: &str) -> Option<(Token, &str)> {
    let (text, after) = word(rest, |c| {
        c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/')
    });
    let text = text.trim_end_matches(['.', ':', '/']);
    let after = rest.get(text.len()..).unwrap_or(after);
    let dots = text.matches('.').count() == 3 && !text.contains("..");
    if !dots && text.matches(':').count() < 2 {
        return None;
    }
    if let Ok(address) = text.parse() {
        return Some((Token::Address(address), after));
    }
    text.parse().ok().map(|block| (Token::Block(block), after))
}

fn number(rest: &str) -> Result<(Token, &str), String> {
    if let Some(hex) = rest.strip_prefix("0x") {
        let (digits, after) = word(hex, |c| c.is_ascii_hexdigit());
        let value =
            i64::from_str_radix(digits, 16).map_err(|_| format!("'0x{digits}' is no number"))?;
        return Ok((Token::Number(value), after));
    }
    let (digits, after) = word(rest, |c| c.is_ascii_digit());
    let fraction = after
        .strip_prefix('.')
        .filter(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    if let Some(fraction) = fraction {
        let (more, after) = word(fraction, |c| c.is_ascii_digit());
        let text = format!("{digits}.{more}");
        let value = text.parse().map_err(|_| format!("'{text}' is no number"))?;
        return Ok((Token::Real(value), after));
    }
    let value = digits
        .parse()
        .map_err(|_| format!("'{digits}' is no number"))?;
    Ok((Token::Number(value), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ranges_and_addresses_are_told_apart() {
        let words =
            tokens("1.5 5..9 192.0.2.1 192.0.2.0/24 2001:db8::1 0x3f $my-host tcp.seq").unwrap();
        assert_eq!(
            words,
            [
                Token::Real(1.5),
                Token::Number(5),
                Token::Sign(".."),
                Token::Number(9),
                Token::Address([192, 0, 2, 1].into()),
                Token::Block("192.0.2.0/24".parse().unwrap()),
                Token::Address("2001:db8::1".parse().unwrap()),
                Token::Number(63),
                Token::Host("my-host".into()),
                Token::Name("tcp.seq".into()),
            ]
        );
    }

    #[test]
    fn a_text_without_end_is_a_mistake() {
        assert!(tokens("data == 'abc").is_err());
    }
}
