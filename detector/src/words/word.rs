//! One small value for what was said.

use super::bytes::digest;

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
    /// A remote screen that refuses a login, or wants none.
    ScreenDenied,
    /// A server that lets somebody in.
    Welcome,
    /// A telephone exchange that does not register somebody, or wants a password first.
    SipDenied,
    /// A status of HTTP.
    HttpStatus(u16),
    /// A request of HTTP or RTSP for a path of the server, of which it is not known whether it brings a password along.
    HttpRequest,
    /// One that brings none along.
    HttpBare,
    /// One that does.
    HttpLogin(Password),
    /// A request of HTTP that is for a proxy: `CONNECT`, or a whole address.
    ProxyRequest,
    /// A name sent in words, before its password; a digest of it.
    LoginName(u16),
    /// A password sent in words, or a login whose password follows.
    Credentials(Option<Password>),
    /// A form of the web with a password in it; a digest of the form.
    FormLogin(u16),
    /// An association of SCTP is asked for.
    Association,
    /// A server asks for a password.
    PasswordPrompt,
    /// `MAIL FROM`.
    Envelope,
    /// `RCPT TO`; whether the address says by which way the mail goes on.
    Recipient(bool),
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
    /// A question to a time server about itself and its clients.
    NtpControl,
    /// A record that a program reports to a collector, who does not answer: of logs, of measurements, of flows.
    Record,
    /// The first packet of QUIC: a client's whole opening.
    QuicOpening,
    /// The handshake of a peer-to-peer protocol, or a question for peers.
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

/// Tells passwords apart without keeping them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Password(u16);

impl Password {
    /// That which is somewhere in what was said.
    pub(crate) fn in_bytes(bytes: &[u8]) -> Self {
        Password(digest(bytes))
    }

    /// The same for another name is another try.
    pub(crate) fn of(self, name: u16) -> Self {
        Password(name.rotate_left(5) ^ self.0)
    }
}

impl Word {
    /// Whether it is a login, or a part of one.
    pub(crate) fn is_login(self) -> bool {
        let web = matches!(
            self,
            Word::HttpRequest | Word::HttpBare | Word::HttpLogin(_) | Word::FormLogin(_)
        );
        web || matches!(self, Word::LoginName(_) | Word::Credentials(_))
    }

    /// The password that is tried with it, where it can be seen.
    pub(crate) fn password(self) -> Option<Password> {
        match self {
            Word::Credentials(password) => password,
            Word::HttpLogin(password) => Some(password),
            Word::FormLogin(form) => Some(Password(form)),
            _ => None,
        }
    }

    /// Which protocol speaks, where it can be told; for telling a program that tries several.
    pub(crate) fn protocol(self) -> Option<u8> {
        Some(match self {
            Word::HttpRequest
            | Word::HttpBare
            | Word::HttpLogin(_)
            | Word::FormLogin(_)
            | Word::ProxyRequest => 1,
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
