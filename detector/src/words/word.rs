//! One small value for what was said.

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
    /// A form of the web with a password in it; a digest of the form.
    FormLogin(u16),
    /// An association of SCTP is asked for.
    Association,
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
            Word::HttpRequest | Word::ProxyRequest | Word::FormLogin(_) => 1,
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
