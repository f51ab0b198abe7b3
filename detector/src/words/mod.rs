//! What a payload says, in the rules' terms: one small value for its first bytes.
//!
//! Only what a rule asks for is recognised, by the protocol's own words rather than by ports alone; ports say which
//! protocols are tried. A payload of another shape is [`Word::Other`].
//!
//! Sources: RFC 959 (FTP), 5321 (SMTP), 1939 (POP3), 3501 (IMAP), 9110 (HTTP), 4253 (SSH), 1035 and 5936 (DNS), 2131 (DHCP), 3416 and
//! 1157 (SNMP), 5905 (NTP), 5531 and 1833 (RPC), 1002 (NetBIOS names), [MS-SMB2], 8446 (TLS).

mod bytes;
mod datagram;
mod dhcp;
mod dns;
mod form;
mod logins;
mod refusal;
mod rpc;
mod stream;
mod web;
mod word;

pub(crate) use datagram::of_datagram;
pub(crate) use dhcp::given_address;
pub(crate) use dns::{asks_as_resolver, asks_for_address, named_addresses};
pub(crate) use form::form;
pub(crate) use refusal::refuses;
pub(crate) use stream::{is_new_keys, of_stream};
pub(crate) use word::{Asked, Password, Word};

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
        assert_eq!(
            of_stream(554, 4000, b"RTSP/1.0 401 Unauthorized\r\n"),
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
            of_stream(4000, 80, b"GET / HTTP/1.0\r\n\r\n"),
            Word::HttpBare
        );
        let axfr = b"\0\x1d\0\x01\0\0\0\x01\0\0\0\0\0\0\x07example\x04test\0\0\xfc\0\x01";
        assert_eq!(
            of_stream(4000, 53, axfr),
            Word::DnsQuestion(252, Asked::Name)
        );
        let cut = b"\0\x1d\x01\0\0\x01\0\0\0\0\0\0\x07exam";
        assert_eq!(
            of_datagram(4000, 53, cut),
            Word::DnsQuestion(0, Asked::Name)
        );
        assert_eq!(
            of_datagram(4000, 12345, b"\xce\x63\xd1\xd2\x16\xe7\x13\xcf\0"),
            Word::BackOrifice
        );
        assert_eq!(of_datagram(4000, 9, b"CCCCCCCC"), Word::Same(b'C'));
        assert_eq!(
            of_datagram(4000, 6881, b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping"),
            Word::Peer
        );
        for record in [
            &b"<34>Oct 11 22:14:15 a su: no"[..],
            b"web.hits:1|c",
            b"a.b:-0.5|ms|@0.1",
        ] {
            assert_eq!(of_datagram(4000, 8125, record), Word::Record);
        }
        assert_eq!(of_datagram(4000, 8125, b"web.hits:one|c"), Word::Other);
        let refusal = b"Response: Error\r\nMessage: Authentication failed\r\n\r\n";
        assert_eq!(of_stream(5038, 4000, refusal), Word::Denied);
        let login = b"Action: Login\r\nUsername: a\r\nSecret: 1\r\n\r\n";
        assert!(matches!(
            of_stream(4000, 5038, login),
            Word::Credentials(Some(_))
        ));
        assert_eq!(
            of_datagram(4000, 123, b"\x17\0\x03\x2a\0\0\0\0"),
            Word::NtpControl
        );
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
