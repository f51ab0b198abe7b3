//! What servers say of a login in their own numbers: databases, directories, remote screens, telephone exchanges.
//!
//! Sources: MySQL's and PostgreSQL's protocol manuals (error packets, `ErrorResponse`), the RESP of Redis, [MS-TDS] 2.2.7,
//! RFC 4511 section 4.2.2 (LDAP), 6143 section 7.1.3 (RFB), 6120 section 6.5 (XMPP), 1459 section 6 (IRC), 3261 section 22
//! (SIP), 4120 section 7.5.9 (Kerberos), 1929 section 2 (SOCKS); MongoDB's error codes; MQTT 3.1.1 section 3.2.2.3 and 5.0
//! section 3.2.2.2; rsync's `authenticate.c` and `clientserver.c`; BSD's rexecd(8), rshd(8) and RFC 1282 (rlogin).

use super::bytes::contains_any;
use super::word::Word;

/// Ports of telephone exchanges and of Kerberos: datagrams in which logins are refused.
const SIP: u16 = 5060;
const KERBEROS: u16 = 88;

/// Bytes of an answer that are looked through.
const LOOKED_THROUGH: usize = 512;

/// What a server's stream says of a login; `None` where it says something else.
pub(super) fn said(sport: u16, bytes: &[u8]) -> Option<Word> {
    match sport {
        3306 => mysql(bytes),
        5432 => postgres(bytes),
        6379 => redis(bytes),
        1433 => tds(bytes),
        389 => ldap(bytes),
        5222 => bytes.starts_with(b"<failure").then_some(Word::Denied),
        873 => rsync(bytes),
        1080 => socks(bytes),
        1883 => mqtt(bytes),
        5900..=5910 => remote_screen(bytes),
        27_017 => mongo(bytes),
        512 | 514 => remote_command(bytes),
        6667 => irc(bytes),
        KERBEROS => kerberos(bytes),
        SIP => sip(bytes),
        _ => None,
    }
}

/// The same of a datagram.
pub(super) fn said_in_datagram(sport: u16, bytes: &[u8]) -> Option<Word> {
    match sport {
        SIP => sip(bytes),
        KERBEROS => kerberos(bytes),
        _ => None,
    }
}

/// Length, number, 0xff and an error: 1045 and 1698 are refused logins. A short OK soon after the greeting lets in.
fn mysql(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [_, _, _, _, 0xff, 0x15, 0x04, ..] | [_, _, _, _, 0xff, 0xa2, 0x06, ..] => {
            Some(Word::Denied)
        }
        [7..=60, 0, 0, 2..=6, 0, ..] => Some(Word::Welcome),
        _ => None,
    }
}

/// `ErrorResponse` with SQLSTATE 28P01 or 28000; `AuthenticationOk`.
fn postgres(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [b'E', ..] if contains_any(head(bytes), &[b"C28P01", b"C28000"]) => Some(Word::Denied),
        [b'R', 0, 0, 0, 8, 0, 0, 0, 0, ..] => Some(Word::Welcome),
        _ => None,
    }
}

fn redis(bytes: &[u8]) -> Option<Word> {
    if bytes.starts_with(b"-WRONGPASS") || bytes.starts_with(b"-ERR invalid password") {
        return Some(Word::Denied);
    }
    bytes.starts_with(b"+OK").then_some(Word::Welcome)
}

/// A response that holds error 18456.
fn tds(bytes: &[u8]) -> Option<Word> {
    let response = matches!(bytes, [4, 1, ..]);
    (response && contains_any(head(bytes), &[&[0x18, 0x48, 0, 0]])).then_some(Word::Denied)
}

/// A bind's result: invalid credentials are 49.
fn ldap(bytes: &[u8]) -> Option<Word> {
    let head = bytes.get(..bytes.len().min(24))?;
    let result = head
        .windows(5)
        .find(|window| matches!(window, [0x61, _, 0x0a, 1, _]))?;
    match result {
        [.., 49] => Some(Word::Denied),
        [.., 0] => Some(Word::Welcome),
        _ => None,
    }
}

/// A result of 1, since version 3.8 with its reason; 0 alone. Version 3.3 says with the same number that it wants no password.
fn remote_screen(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [0, 0, 0, 1] => Some(Word::ScreenDenied),
        [0, 0, 0, 1, 0, 0, 0, _, _, ..] => Some(Word::Denied),
        [0, 0, 0, 0] => Some(Word::Welcome),
        _ => None,
    }
}

/// An error document; code 18.
fn mongo(bytes: &[u8]) -> Option<Word> {
    contains_any(head(bytes), &[b"AuthenticationFailed"]).then_some(Word::Denied)
}

/// A server's name, and a numeral: 464 for a bad password, 1 for a welcome.
fn irc(bytes: &[u8]) -> Option<Word> {
    let mut words = head(bytes).strip_prefix(b":")?.split(|byte| *byte == b' ');
    match words.nth(1)? {
        b"464" => Some(Word::Denied),
        b"001" => Some(Word::Welcome),
        _ => None,
    }
}

/// Servers of remote commands say 0 to whom they serve, or 1 and why not.
fn remote_command(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [0, ..] => Some(Word::Welcome),
        [1, b' '..=b'~', ..] => Some(Word::Denied),
        _ => None,
    }
}

/// The daemon says in words how a challenge was met.
fn rsync(bytes: &[u8]) -> Option<Word> {
    if bytes.starts_with(b"@ERROR: auth failed") {
        return Some(Word::Denied);
    }
    bytes.starts_with(b"@RSYNCD: OK").then_some(Word::Welcome)
}

/// A status for name and password, in two bytes.
fn socks(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [1, 0] => Some(Word::Welcome),
        [1, _] => Some(Word::Denied),
        _ => None,
    }
}

/// The answer to a connection: its code is 4 or 5 before version 5 where the login is bad, 0x86 or 0x87 from there on.
fn mqtt(bytes: &[u8]) -> Option<Word> {
    match bytes {
        [0x20, _, _, 4 | 5 | 0x86 | 0x87, ..] => Some(Word::Denied),
        [0x20, _, _, 0, ..] => Some(Word::Welcome),
        _ => None,
    }
}

/// Pre-authentication that failed, error 24.
fn kerberos(bytes: &[u8]) -> Option<Word> {
    contains_any(head(bytes), &[&[0xa6, 3, 2, 1, 24]]).then_some(Word::Denied)
}

/// A status for a registration.
fn sip(bytes: &[u8]) -> Option<Word> {
    let status = bytes.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    if !contains_any(bytes, &[b" REGISTER\r"]) {
        return None;
    }
    match status {
        b"401" | b"403" | b"407" => Some(Word::SipDenied),
        b"200" => Some(Word::Welcome),
        _ => None,
    }
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes
        .get(..bytes.len().min(LOOKED_THROUGH))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_refuse_in_their_own_numbers() {
        let mysql = b"\x48\0\0\x02\xff\x15\x04#28000Access denied for user";
        assert_eq!(said(3306, mysql), Some(Word::Denied));
        assert_eq!(
            said(3306, b"\x07\0\0\x02\0\0\0\x02\0\0\0"),
            Some(Word::Welcome)
        );
        let postgres = b"E\0\0\0\x65SFATAL\0VFATAL\0C28P01\0Mpassword";
        assert_eq!(said(5432, postgres), Some(Word::Denied));
        assert_eq!(said(5432, b"E\0\0\0\x20SERROR\0C42P01\0Mno table"), None);
        assert_eq!(said(6379, b"-WRONGPASS invalid"), Some(Word::Denied));
        assert_eq!(
            said(389, b"0\x0c\x02\x01\x01a\x07\x0a\x01\x31\x04\0\x04\0"),
            Some(Word::Denied)
        );
        assert_eq!(said(80, mysql), None);
        assert_eq!(said(1883, b"\x20\x02\0\x05"), Some(Word::Denied));
        assert_eq!(said(1883, b"\x20\x02\0\0"), Some(Word::Welcome));
        assert_eq!(said(1080, b"\x01\x01"), Some(Word::Denied));
        assert_eq!(said(1080, b"\x05\0\0\x01"), None);
        assert_eq!(said(5900, b"\0\0\0\x01\0\0\0\x05wrong"), Some(Word::Denied));
        let mongo = b"\x02codeName\0\x15\0\0\0AuthenticationFailed\0";
        assert_eq!(said(27_017, mongo), Some(Word::Denied));
        assert_eq!(said(5900, &[0, 0, 0, 1]), Some(Word::ScreenDenied));
        let irc = b":irc.example.org 464 * :Password incorrect\r\n";
        assert_eq!(said(6667, irc), Some(Word::Denied));
        let rsync = b"@ERROR: auth failed on module d\n";
        assert_eq!(said(873, rsync), Some(Word::Denied));
    }

    #[test]
    fn an_exchange_that_only_asks_for_a_password_does_not_refuse_other_questions() {
        let refused = b"SIP/2.0 403 Forbidden\r\nCSeq: 2 REGISTER\r\n\r\n";
        assert_eq!(said_in_datagram(SIP, refused), Some(Word::SipDenied));
        let call = b"SIP/2.0 401 Unauthorized\r\nCSeq: 2 INVITE\r\n\r\n";
        assert_eq!(said_in_datagram(SIP, call), None);
    }
}
