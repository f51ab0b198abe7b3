//! What services say to whom they do not let in, in words, whatever their protocol.
//!
//! Sources: RabbitMQ's `rabbit_reader` (AMQP), NATS' `INFO` and `-ERR`, Cassandra's and Neo4j's error messages, CVS'
//! `I HATE YOU`, Redis, Subversion's `svnserve`, Oracle's ORA-01017, Firebird's 335544472, ActiveMQ's STOMP, ClickHouse's code 516,
//! TeamSpeak's error 520, memcached's SASL, RFC 5804 (ManageSieve), and what servers say that nobody has written down.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// In letters of either case.
const PHRASES: [&str; 25] = [
    "authentication fail",
    "authentication error",
    "auth failure",
    "login was refused",
    "login incorrect",
    "login failed",
    "login failure",
    "logon failed",
    "access denied for user",
    "authorization violation",
    "security.unauthorized",
    "invalid credentials",
    "bad credentials",
    "-wrongpass",
    "invalid password",
    "wrong password",
    "bad password",
    "password incorrect",
    "incorrect password",
    "password is incorrect",
    "password are incorrect",
    "password is invalid",
    "user name and password are not defined",
    "invalid loginname or password",
    "i hate you\n",
];

/// Bytes of what is said that are looked through, and that a refusal has at most.
const LOOKED_THROUGH: usize = 256;
const LONGEST: usize = 768;

static REFUSALS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(PHRASES)
        .ok()
});

/// Whether a service says so that it does not let somebody in.
pub(crate) fn refuses(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(LOOKED_THROUGH));
    bytes.len() <= LONGEST
        && head.is_some_and(|head| {
            REFUSALS
                .as_ref()
                .is_some_and(|refusals| refusals.is_match(head))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_all_kinds_refuse_in_words() {
        assert!(refuses(
            b"\x01\0\0\0\0\0\x67\0\x0a\0\x32\x01\x93\x5bACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
        ));
        assert!(refuses(b"-ERR 'Authorization Violation'\r\n"));
        assert!(refuses(b"I HATE YOU\n"));
        assert!(refuses(
            b"( failure ( ( 170001 18:Password incorrect 0: 0 ) ) ) "
        ));
        assert!(!refuses(b"( success ( ( ) ) ) "));
        assert!(!refuses(
            &[b"authentication failed".as_slice(), &[0; 800]].concat()
        ));
    }
}
