//! What is said over TCP.

use super::bytes::{contains_any, digest};
use super::form::{WEB, behind_header, form};
use super::word::{Password, Word};
use super::{dns, logins, rpc, web};

/// Port of remote commands that want a password, rexecd(8).
const REXEC: u16 = 512;

/// What a TCP payload says.
pub(crate) fn of_stream(sport: u16, dport: u16, bytes: &[u8]) -> Word {
    let Some(first) = bytes.first() else {
        return Word::None;
    };
    if let Some(word) = logins::said(sport, bytes).or_else(|| reply(sport, bytes)) {
        return word;
    }
    match first {
        b'S' if bytes.starts_with(b"SSH-") => Word::SshGreeting,
        // BEP 3.
        0x13 if bytes.starts_with(b"\x13BitTorrent protocol") => Word::Peer,
        // Bitcoin's networks begin each message with four bytes of their own; the first is `version`. libp2p's dialect.
        _ if bytes.get(4..12) == Some(b"version\0") => Word::Peer,
        0x13 if bytes.starts_with(b"\x13/multistream/1.0.0\n") => Word::Peer,
        b'G' if bytes.starts_with(b"GNUTELLA CONNECT/") => Word::Peer,
        0x16 if matches!(bytes, [_, 3, 0..=4, ..]) => Word::Tls,
        // SSLv2's ClientHello.
        0x80 if matches!(bytes, [_, _, 1, 0..=3, ..]) => Word::Tls,
        // A port for complaints, which may be none, a name and a password.
        0x00 | b'0'..=b'9' if dport == REXEC && bytes.len() > 1 => {
            Word::Credentials(Some(Password::in_bytes(bytes)))
        }
        0x00 if matches!(bytes, [0, _, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..]) => smb(bytes),
        0x80 if bytes.len() >= 28 => {
            rpc::call(bytes.get(4..).unwrap_or_default()).unwrap_or(Word::Other)
        }
        b'A'..=b'Z' | b'a'..=b'z' => spoken(dport, bytes),
        b'{' | b'<' if WEB.contains(&dport) => form(bytes).unwrap_or(Word::Other),
        // An empty line, and nothing else.
        b'\r' | b'\n' if bytes.len() <= 4 => Word::Greeting(1),
        // `CONNECT` of MQTT holds name and password.
        0x10 if dport == 1883 => Word::Credentials(Some(Password::in_bytes(bytes))),
        0x30 if dport == 389 => Word::Greeting(2),
        0x03 if matches!(bytes, [3, 0, 0, _, _, 0xe0, ..]) => Word::Greeting(3),
        _ if sport == 53 || dport == 53 => dns::message(bytes.get(4..).unwrap_or_default()),
        _ => Word::Other,
    }
}

/// What a server says at the beginning of a line.
fn reply(sport: u16, bytes: &[u8]) -> Option<Word> {
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', _, _, _, b' ', a, b, c, ..]
        | [b'R', b'T', b'S', b'P', b'/', _, _, _, b' ', a, b, c, ..] => {
            number([*a, *b, *c]).map(Word::HttpStatus)
        }
        [b'+', b'O', b'K', ..] if sport == 110 => Some(Word::Reply(200)),
        [b'-', b'E', b'R', b'R', ..] if sport == 110 => Some(Word::Denied),
        _ if sport == 143 => imap(bytes),
        _ if matches!(sport, 23 | 513) => telnet(bytes),
        _ if sport == MANAGER => manager(bytes),
        [a, b, c, b' ' | b'-', ..]
            if matches!(sport, 21 | 25 | 587 | 2525 | 119) || sport < 1024 =>
        {
            let relay = *a == b'5' && contains_any(bytes, &[b"relay", b"Relay", b"RELAY"]);
            if relay {
                return Some(Word::RelayDenied);
            }
            number([*a, *b, *c]).map(Word::Reply)
        }
        // FTP and SMTP on other ports: a code and a line's end.
        [
            a @ b'1'..=b'5',
            b @ b'0'..=b'5',
            c @ b'0'..=b'9',
            b' ' | b'-',
            ..,
        ] if bytes.contains(&b'\n') => number([*a, *b, *c]).map(Word::Reply),
        _ => None,
    }
}

fn number(digits: [u8; 3]) -> Option<u16> {
    digits.iter().try_fold(0u16, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u16::from(digit - b'0'))
    })
}

/// Port of the manager of Asterisk, a telephone exchange.
const MANAGER: u16 = 5038;

/// The manager answers an action in lines of a name and a value.
fn manager(bytes: &[u8]) -> Option<Word> {
    let (response, rest) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == b'\n')?)?;
    let tells = |what: &[u8]| contains_any(rest, &[what]);
    match response.trim_ascii() {
        b"Response: Error" if tells(b"Authentication failed") => Some(Word::Denied),
        b"Response: Success" if tells(b"Authentication accepted") => Some(Word::Welcome),
        _ => None,
    }
}

/// IMAP answers a tag with `OK`, `NO` or `BAD`.
fn imap(bytes: &[u8]) -> Option<Word> {
    let mut words = bytes.split(|byte| *byte == b' ');
    let tag = words.next()?;
    if tag == b"*" || tag == b"+" {
        return None;
    }
    match words.next()? {
        b"NO" | b"BAD" => Some(Word::Denied),
        b"OK" => Some(Word::Reply(200)),
        _ => None,
    }
}

/// A tag, and then a login. A literal (RFC 3501 section 4.3) comes in lines of its own.
fn imap_login(bytes: &[u8]) -> Option<Word> {
    let tag = bytes.iter().position(|byte| *byte == b' ')?;
    let line = bytes.get(tag + 1..)?.trim_ascii();
    let command = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    if command.eq_ignore_ascii_case(b"AUTHENTICATE") {
        return Some(credentials(line));
    }
    command.eq_ignore_ascii_case(b"LOGIN").then(|| {
        let whole = !line.ends_with(b"}");
        Word::Credentials(whole.then(|| Password::in_bytes(line)))
    })
}

/// A mechanism of SASL, and what it begins with: that of `PLAIN` is all of it (RFC 4616), else the password comes later.
fn credentials(line: &[u8]) -> Word {
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let plain = (words.next()).is_some_and(|mechanism| mechanism.eq_ignore_ascii_case(b"PLAIN"));
    let whole = plain && words.next().is_some();
    Word::Credentials(whole.then(|| Password::in_bytes(line)))
}

/// Whether an address names the way from one server to the next: `@a:b@c`, `b%c@a`, `c!b`; RFC 5321 appendix C and F.2, RFC 976.
fn is_routed(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    let count = |what: u8| line.iter().filter(|byte| **byte == what).count();
    count(b'@') > 1 || count(b'%') + count(b'!') > 0
}

/// The new keys of SSH, the last that is said before all is encrypted: RFC 4253 sections 6 and 7.3.
pub(crate) fn is_new_keys(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 0, 12, 10, 21, ..])
}

fn telnet(bytes: &[u8]) -> Option<Word> {
    const DENIALS: [&[u8]; 5] = [
        b"ogin incorrect",
        b"uthentication failed",
        b"ccess denied",
        b"ogin failed",
        b"ad password",
    ];
    let head = bytes.get(..bytes.len().min(256))?;
    if contains_any(head, &DENIALS) {
        return Some(Word::Denied);
    }
    // What Unix says to whom it has let in.
    if contains_any(head, &[b"Last login: "]) {
        return Some(Word::Welcome);
    }
    contains_any(head, &[b"assword:"]).then_some(Word::PasswordPrompt)
}

/// Requests of HTTP, and the two of RTSP that ask for something.
const METHODS: [&[u8]; 8] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"PATCH ",
    b"DESCRIBE ",
    b"SETUP ",
];

/// Whether a request is for somebody else's page. NATS begins with the same word, and what it says of itself in braces.
fn is_for_a_proxy(head: &[u8]) -> bool {
    let starts = |word: &[u8]| head.starts_with(word);
    starts(b"CONNECT ") && !starts(b"CONNECT {") || starts(b"GET HTTP:") || starts(b"POST HTTP:")
}

/// What a client says in words.
fn spoken(dport: u16, bytes: &[u8]) -> Word {
    let upper = |count: usize| -> Vec<u8> {
        let head = bytes.get(..count.min(bytes.len())).unwrap_or_default();
        head.to_ascii_uppercase()
    };
    let head = upper(14);
    let starts = |word: &[u8]| head.starts_with(word);
    if is_for_a_proxy(&head) {
        return Word::ProxyRequest;
    }
    if starts(b"OPTIONS ") {
        let line = upper(64);
        return if contains_any(&line, &[b" RTSP/"]) {
            Word::Greeting(4)
        } else if contains_any(&line, &[b"SIP:"]) {
            Word::Greeting(5)
        } else {
            web::request(bytes)
        };
    }
    if starts(b"POST ")
        && let Some(word) = behind_header(bytes)
    {
        return word;
    }
    if METHODS.iter().any(|method| starts(method)) {
        return web::request(bytes);
    }
    if starts(b"MAIL FROM") {
        return Word::Envelope;
    }
    if starts(b"RCPT TO") {
        return Word::Recipient(is_routed(bytes));
    }
    if starts(b"PASS ") || starts(b"AUTHINFO PASS ") {
        return Word::Credentials(Some(Password::in_bytes(bytes)));
    }
    if starts(b"AUTH ") {
        return credentials(bytes.trim_ascii());
    }
    if dport == MANAGER && starts(b"ACTION: LOGIN") {
        return Word::Credentials(Some(Password::in_bytes(bytes)));
    }
    if starts(b"APOP ") {
        return Word::Credentials(None);
    }
    if starts(b"USER ") || starts(b"AUTHINFO USER ") {
        return Word::LoginName(digest(bytes));
    }
    if dport == 143
        && let Some(login) = imap_login(bytes)
    {
        return login;
    }
    if starts(b"HELP\r") {
        return Word::Greeting(6);
    }
    if starts(b"EHLO") || starts(b"HELO") {
        return Word::Greeting(7);
    }
    if WEB.contains(&dport) {
        // A form whose header came before.
        return form(bytes).unwrap_or(Word::Other);
    }
    Word::Other
}

fn smb(bytes: &[u8]) -> Word {
    const LOGON_FAILURES: [u32; 4] = [0xc000_006d, 0xc000_006a, 0xc000_0064, 0xc000_0234];
    let status = match bytes {
        // SMB1: the status stands behind the command.
        [_, _, _, _, 0xff, b'S', b'M', b'B', _, a, b, c, d, flags, ..] if flags & 0x80 != 0 => {
            u32::from_le_bytes([*a, *b, *c, *d])
        }
        // SMB2: behind structure size and credit charge.
        [
            _,
            _,
            _,
            _,
            0xfe,
            b'S',
            b'M',
            b'B',
            _,
            _,
            _,
            _,
            a,
            b,
            c,
            d,
            ..,
        ] => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => 0,
    };
    if LOGON_FAILURES.contains(&status) {
        Word::SmbDenied
    } else {
        Word::Smb
    }
}
