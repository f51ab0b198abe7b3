//! What a payload says, in the rules' terms: one small value for its first bytes.
//!
//! Only what a rule asks for is recognised, by the protocol's own words rather than by ports alone; ports say which
//! protocols are tried. A payload of another shape is [`Word::Other`].
//!
//! Sources: RFC 959 (FTP), 5321 (SMTP), 1939 (POP3), 3501 (IMAP), 9110 (HTTP), 4253 (SSH), 1035 and 5936 (DNS), 3416 and
//! 1157 (SNMP), 5905 (NTP), 5531 and 1833 (RPC), 1002 (NetBIOS names), [MS-SMB2], 8446 (TLS).

mod logins;

/// Addresses of one answer that are read: large services give a dozen and more.
const MOST_NAMED: usize = 24;
/// Records of one answer that are read.
const MOST_RECORDS: u16 = 48;

/// What was recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word {
    /// No payload, or none captured.
    #[default]
    None,
    /// Payload of no known shape.
    Other,
    /// All bytes are zero.
    Zeros,
    /// One byte again and again.
    Same(u8),
    /// A reply code of FTP, SMTP or NNTP.
    Reply(u16),
    /// A mail server that refuses to pass mail on.
    RelayDenied,
    /// A server that refuses a login in words or numbers: `-ERR`, IMAP's `NO`, `Login incorrect`, a database's error.
    Denied,
    /// A server that lets somebody in.
    Welcome,
    /// A telephone exchange that does not register somebody, or wants a password first.
    SipDenied,
    /// A status of HTTP.
    HttpStatus(u16),
    /// A request of HTTP for a path of the server.
    HttpRequest,
    /// A request of HTTP that is for a proxy: `CONNECT`, or a whole address.
    ProxyRequest,
    /// A name sent in words, before its password.
    LoginName,
    /// A password sent in words, or a login whose password follows.
    Credentials,
    /// A server asks for a password.
    PasswordPrompt,
    /// `MAIL FROM`.
    Envelope,
    /// `RCPT TO`.
    Recipient,
    /// The greeting of SSH.
    SshGreeting,
    /// A handshake of TLS.
    Tls,
    /// A question of DNS; its type, and whether its name is worth asking.
    DnsQuestion(u16, Asked),
    /// An answer of DNS; its response code.
    DnsAnswer(u16),
    /// A message of SNMP; a digest of its community.
    Snmp(u16),
    /// A call of RPC for the portmapper; its procedure.
    Portmap(u16),
    /// A call of another RPC program.
    Rpc,
    /// A NetBIOS name query.
    NetbiosQuery,
    /// The status of an SMB answer: a failed logon.
    SmbDenied,
    /// SMB.
    Smb,
    /// A client's question for the time.
    NtpQuestion,
    /// The first packet of QUIC: a client's whole opening.
    QuicOpening,
    /// The handshake of a peer-to-peer protocol.
    Peer,
    /// The Back Orifice cipher's magic.
    BackOrifice,
    /// Another protocol's opening, by a number of ours.
    Greeting(u8),
}

/// What kind of name a question of DNS is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The root, or the name of the loopback address: what every name server knows, asked only to see it answer.
    Idly,
    /// Any other.
    Name,
}

impl Word {
    /// Which protocol speaks, where it can be told; for telling a program that tries several.
    pub(crate) fn protocol(self) -> Option<u8> {
        Some(match self {
            Word::HttpRequest | Word::ProxyRequest => 1,
            Word::Tls => 2,
            Word::SshGreeting => 3,
            Word::Smb => 4,
            Word::Portmap(_) | Word::Rpc => 5,
            Word::DnsQuestion(..) => 6,
            Word::Snmp(_) => 7,
            Word::NetbiosQuery => 8,
            Word::Greeting(number) => 16 + number,
            _ => return None,
        })
    }
}

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
        0x16 if matches!(bytes, [_, 3, 0..=4, ..]) => Word::Tls,
        // SSLv2's ClientHello.
        0x80 if matches!(bytes, [_, _, 1, 0..=3, ..]) => Word::Tls,
        0x00 if matches!(bytes, [0, _, _, _, 0xff | 0xfe, b'S', b'M', b'B', ..]) => smb(bytes),
        0x80 if bytes.len() >= 28 => rpc(bytes.get(4..).unwrap_or_default()).unwrap_or(Word::Other),
        b'A'..=b'Z' | b'a'..=b'z' => spoken(dport, bytes),
        // An empty line, and nothing else.
        b'\r' | b'\n' if bytes.len() <= 4 => Word::Greeting(1),
        0x30 if dport == 389 => Word::Greeting(2),
        0x03 if matches!(bytes, [3, 0, 0, _, _, 0xe0, ..]) => Word::Greeting(3),
        _ if sport == 53 || dport == 53 => dns(bytes.get(4..).unwrap_or_default()),
        _ => Word::Other,
    }
}

/// What a server says at the beginning of a line.
fn reply(sport: u16, bytes: &[u8]) -> Option<Word> {
    match bytes {
        [b'H', b'T', b'T', b'P', b'/', _, _, _, b' ', a, b, c, ..] => {
            number([*a, *b, *c]).map(Word::HttpStatus)
        }
        [b'+', b'O', b'K', ..] if sport == 110 => Some(Word::Reply(200)),
        [b'-', b'E', b'R', b'R', ..] if sport == 110 => Some(Word::Denied),
        _ if sport == 143 => imap(bytes),
        _ if sport == 23 => telnet(bytes),
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

/// A tag, and then a login.
fn is_imap_login(bytes: &[u8]) -> bool {
    let command = bytes.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    [&b"LOGIN"[..], b"AUTHENTICATE"]
        .iter()
        .any(|login| command.eq_ignore_ascii_case(login))
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

fn contains_any(bytes: &[u8], words: &[&[u8]]) -> bool {
    words
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == *word))
}

/// What a client says in words.
fn spoken(dport: u16, bytes: &[u8]) -> Word {
    let upper = |count: usize| -> Vec<u8> {
        let head = bytes.get(..count.min(bytes.len())).unwrap_or_default();
        head.to_ascii_uppercase()
    };
    let head = upper(12);
    let starts = |word: &[u8]| head.starts_with(word);
    if starts(b"CONNECT ") || starts(b"GET HTTP:") || starts(b"POST HTTP:") {
        return Word::ProxyRequest;
    }
    if starts(b"OPTIONS ") {
        let line = upper(64);
        return if contains_any(&line, &[b" RTSP/"]) {
            Word::Greeting(4)
        } else if contains_any(&line, &[b"SIP:"]) {
            Word::Greeting(5)
        } else {
            Word::HttpRequest
        };
    }
    if [
        &b"GET "[..],
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"DELETE ",
        b"PATCH ",
    ]
    .iter()
    .any(|word| starts(word))
    {
        return Word::HttpRequest;
    }
    if starts(b"MAIL FROM") {
        return Word::Envelope;
    }
    if starts(b"RCPT TO") {
        return Word::Recipient;
    }
    if dport != 80 && (starts(b"PASS ") || starts(b"AUTH ")) {
        return Word::Credentials;
    }
    if dport != 80 && starts(b"USER ") {
        return Word::LoginName;
    }
    if dport == 143 && is_imap_login(bytes) {
        return Word::Credentials;
    }
    if starts(b"HELP\r") {
        return Word::Greeting(6);
    }
    if starts(b"EHLO") || starts(b"HELO") {
        return Word::Greeting(7);
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

/// A call of RPC, from its transaction number on.
fn rpc(bytes: &[u8]) -> Option<Word> {
    let word = |at: usize| -> Option<u32> {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    if word(4)? != 0 || word(8)? != 2 {
        return None;
    }
    Some(match word(12)? {
        100_000 => Word::Portmap(u16::try_from(word(20)?).unwrap_or(u16::MAX)),
        100_001..=100_999 => Word::Rpc,
        _ => return None,
    })
}

/// Of which kind the name is with which a question begins.
fn asked(question: &[u8]) -> Asked {
    const LOOPBACK: &[u8] = b"\x011\x010\x010\x03127\x07in-addr\x04arpa\0";
    match question {
        [0, ..] => Asked::Idly,
        _ if question
            .get(..LOOPBACK.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(LOOPBACK)) =>
        {
            Asked::Idly
        }
        _ => Asked::Name,
    }
}

/// A message of DNS, from its flags on.
fn dns(bytes: &[u8]) -> Word {
    let [flags, more, _, questions, _, _, _, _, _, _, name @ ..] = bytes else {
        return Word::Other;
    };
    if flags & 0x80 != 0 {
        return Word::DnsAnswer(u16::from(more & 15));
    }
    let mut rest = name;
    while let [length, after @ ..] = rest {
        if *length == 0 {
            return match after {
                [a, b, ..] if *questions == 1 => {
                    Word::DnsQuestion(u16::from_be_bytes([*a, *b]), asked(name))
                }
                _ => Word::Other,
            };
        }
        let Some(next) = after.get(usize::from(*length)..) else {
            break;
        };
        rest = next;
    }
    Word::Other
}

/// What a datagram says.
pub(crate) fn of_datagram(sport: u16, dport: u16, bytes: &[u8]) -> Word {
    let Some(first) = bytes.first() else {
        return Word::None;
    };
    if bytes.starts_with(&[0xce, 0x63, 0xd1, 0xd2, 0x16, 0xe7, 0x13, 0xcf]) {
        return Word::BackOrifice;
    }
    let service = |port: u16| sport == port || dport == port;
    if service(53) || service(5353) {
        return dns(bytes.get(2..).unwrap_or_default());
    }
    if service(137) {
        return match bytes {
            [_, _, flags, ..] if flags & 0x80 == 0 => Word::NetbiosQuery,
            _ => Word::Other,
        };
    }
    if let Some(word) = logins::said_in_datagram(sport, bytes) {
        return word;
    }
    if is_quic_opening(bytes) {
        return Word::QuicOpening;
    }
    // Mode 3, RFC 5905 section 7.3.
    if dport == 123 && first & 7 == 3 && bytes.len() >= 48 {
        return Word::NtpQuestion;
    }
    if let Some(call) = rpc(bytes) {
        return call;
    }
    if dport == 161 || dport == 162 {
        return snmp(bytes);
    }
    if bytes.len() > 3 && bytes.iter().take(64).all(|byte| byte == first) {
        return if *first == 0 {
            Word::Zeros
        } else {
            Word::Same(*first)
        };
    }
    Word::Other
}

/// A long header, a version, the length of a connection's name: RFC 9000 section 17.2. Versions that exist, that are
/// reserved to be refused (`?a?a?a?a`), drafts, and Google's.
fn is_quic_opening(bytes: &[u8]) -> bool {
    let [first, a, b, c, d, length, ..] = bytes else {
        return false;
    };
    let version = u32::from_be_bytes([*a, *b, *c, *d]);
    let known = matches!(version, 1 | 0x6b33_43cf | 0xff00_0000..=0xff00_00ff | 0xface_b000..=0xface_b0ff)
        || version & 0x0f0f_0f0f == 0x0a0a_0a0a
        || matches!((a, b), (b'Q' | b'T', b'0'..=b'9'));
    first & 0xc0 == 0xc0 && known && *length <= 20
}

/// The community of SNMP 1 and 2: behind the sequence and the version.
fn snmp(bytes: &[u8]) -> Word {
    let body = match bytes {
        [0x30, length, rest @ ..] if length & 0x80 == 0 => rest,
        [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest,
        _ => return Word::Other,
    };
    match body {
        [2, 1, 0 | 1, 4, length, rest @ ..] => {
            let community = rest.get(..usize::from(*length)).unwrap_or(rest);
            Word::Snmp(digest(community))
        }
        _ => Word::Other,
    }
}

/// Tells communities apart without keeping them.
fn digest(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    u16::try_from((hash ^ hash >> 16) & 0xffff).unwrap_or(0)
}

/// What an answer of DNS names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// At most so many.
    pub(crate) addresses: Vec<std::net::IpAddr>,
    /// Nothing of the answer is missing.
    pub(crate) whole: bool,
}

/// The addresses that an answer of DNS names.
pub(crate) fn named_addresses(bytes: &[u8]) -> Named {
    let mut named = Named::default();
    named.whole = read_records(bytes, &mut named.addresses).is_some();
    named
}

/// `None` where the answer is cut, or is none.
fn read_records(bytes: &[u8], found: &mut Vec<std::net::IpAddr>) -> Option<()> {
    let [_, _, flags, _, 0, questions, a, b, _, _, _, _, rest @ ..] = bytes else {
        return None;
    };
    if flags & 0x80 == 0 {
        return None;
    }
    let mut rest = rest;
    for _ in 0..*questions {
        rest = skip_name(rest)?.get(4..)?;
    }
    for _ in 0..u16::from_be_bytes([*a, *b]).min(MOST_RECORDS) {
        let &[a, b, _, _, _, _, _, _, high, low, ref data @ ..] = skip_name(rest)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (data, after) = data.split_at_checked(length)?;
        match (u16::from_be_bytes([a, b]), data) {
            (1, &[a, b, c, d]) => found.push(std::net::Ipv4Addr::new(a, b, c, d).into()),
            (28, data) => {
                if let Ok(octets) = <[u8; 16]>::try_from(data) {
                    found.push(std::net::Ipv6Addr::from(octets).into());
                }
            }
            _ => {}
        }
        if found.len() >= MOST_NAMED {
            break;
        }
        rest = after;
    }
    Some(())
}

/// Whether a question of DNS is for the addresses of a name, as far as was captured: not for the name of an address,
/// which scanners ask for.
pub(crate) fn asks_for_address(bytes: &[u8]) -> bool {
    const ADDRESS: [u16; 4] = [1, 15, 28, 65];
    let [_, _, flags, _, 0, 1, _, _, _, _, _, _, name @ ..] = bytes else {
        return false;
    };
    if flags & 0xf8 != 0 {
        return false;
    }
    match skip_name(name) {
        Some([a, b, ..]) => ADDRESS.contains(&u16::from_be_bytes([*a, *b])),
        // Cut: the names of addresses begin with a number.
        _ => {
            let label = match name {
                [length, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or(rest),
                [] => return false,
            };
            !label.iter().all(u8::is_ascii_digit)
        }
    }
}

fn skip_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        match *rest {
            [0, ref after @ ..] => return Some(after),
            [high, _, ref after @ ..] if high >= 0xc0 => return Some(after),
            [length, ref after @ ..] => rest = after.get(usize::from(length)..)?,
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_by_their_protocols() {
        assert_eq!(
            of_stream(21, 4000, b"530 Login incorrect.\r\n"),
            Word::Reply(530)
        );
        assert_eq!(
            of_stream(80, 4000, b"HTTP/1.1 401 Unauthorized\r\n"),
            Word::HttpStatus(401)
        );
        assert_eq!(of_stream(143, 4000, b"a1 NO failed\r\n"), Word::Denied);
        assert_eq!(
            of_stream(4000, 3128, b"CONNECT a.example:443 HTTP/1.1\r\n"),
            Word::ProxyRequest
        );
        assert_eq!(
            of_stream(4000, 8080, b"GET http://a.example/ HTTP/1.0\r\n"),
            Word::ProxyRequest
        );
        assert_eq!(
            of_stream(4000, 80, b"GET / HTTP/1.0\r\n"),
            Word::HttpRequest
        );
        let axfr = b"\0\x1d\0\x01\0\0\0\x01\0\0\0\0\0\0\x07example\x04test\0\0\xfc\0\x01";
        assert_eq!(
            of_stream(4000, 53, axfr),
            Word::DnsQuestion(252, Asked::Name)
        );
        assert_eq!(
            of_datagram(4000, 12345, b"\xce\x63\xd1\xd2\x16\xe7\x13\xcf\0"),
            Word::BackOrifice
        );
        assert_eq!(of_datagram(4000, 9, b"CCCCCCCC"), Word::Same(b'C'));
    }

    #[test]
    fn an_answer_names_addresses() {
        let answer = b"\0\x01\x81\x80\0\x01\0\x02\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c";
        let [only] = named_addresses(answer).addresses[..] else {
            panic!("one")
        };
        assert_eq!(only.to_string(), "192.0.2.7");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_say_something(sport: u16, dport: u16, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = (of_stream(sport, dport, &bytes), of_datagram(sport, dport, &bytes), named_addresses(&bytes));
        }
    }
}
