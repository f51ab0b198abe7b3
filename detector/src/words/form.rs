//! Forms of the web that hold a password: pairs as HTML sends them (`application/x-www-form-urlencoded`), JSON, or the call
//! of XML-RPC by which a program asks which blogs a login has, and nothing else.

use super::bytes::{contains_any, digest};
use super::word::Word;

/// Ports of the web where words are not hidden.
pub(super) const WEB: [u16; 4] = [80, 8000, 8080, 8888];

/// Bytes of a form that are looked through.
const LOOKED_THROUGH: usize = 512;

/// What passwords are called.
const PASSWORDS: [&[u8]; 4] = [b"pass", b"pwd", b"&pw=", b"&p="];

/// What asks for the blogs of a name and password, in WordPress and Blogger.
const LOGIN_CALL: &[u8] = b".getUsersBlogs</methodName>";

/// A form that comes with the header of its request.
pub(super) fn behind_header(bytes: &[u8]) -> Option<Word> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    form(bytes.get(end + 4..)?)
}

/// A form.
pub(crate) fn form(bytes: &[u8]) -> Option<Word> {
    let form = bytes.get(..bytes.len().min(LOOKED_THROUGH))?;
    if form.starts_with(b"<") {
        return contains_any(form, &[LOGIN_CALL]).then(|| Word::FormLogin(digest(form)));
    }
    let pairs = form.contains(&b'=') || form.starts_with(b"{");
    let names = form.to_ascii_lowercase();
    (pairs && contains_any(&names, &PASSWORDS)).then(|| Word::FormLogin(digest(form)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_password_is_told_from_another() {
        let one = behind_header(b"POST /login HTTP/1.1\r\nHost: a\r\n\r\nuser=a&password=1");
        let two = form(b"user=a&password=2");
        assert!(matches!((one, two), (Some(one), Some(two)) if one != two));
        assert!(form(b"{\"user\": \"a\", \"Password\": \"1\"}").is_some());
        let call = |password: &str| {
            let body = format!("<methodCall><methodName>wp.getUsersBlogs</methodName>{password}");
            form(body.as_bytes())
        };
        assert!(call("1").is_some() && call("1") != call("2"));
        assert_eq!(
            form(b"<methodCall><methodName>wp.newPost</methodName>pass="),
            None
        );
        assert_eq!(form(b"sensor=17&temperature=20"), None);
        assert_eq!(
            behind_header(b"POST /login HTTP/1.1\r\nHost: pass=a\r\n\r\n"),
            None
        );
    }
}
