//! DHCP, RFC 2131 and RFC 2132, between a client without an address and a server of its segment.

use std::net::Ipv4Addr;

/// Where servers listen, and clients.
pub const SERVER_PORT: u16 = 67;
/// Where clients listen.
pub const CLIENT_PORT: u16 = 68;
/// Message type: who has an address for me?
pub const DISCOVER: u8 = 1;
/// Message type: here is one.
pub const OFFER: u8 = 2;
/// Message type: I take it.
pub const REQUEST: u8 = 3;
/// Message type: it is yours.
pub const ACK: u8 = 5;
/// Message type: tell me the rest, my address I have.
pub const INFORM: u8 = 8;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Least bytes of a message, which BOOTP (RFC 951) fixed.
const LEAST: usize = 300;
const OPTIONS: usize = 240;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub kind: u8,
    /// Transaction.
    pub xid: u32,
    /// Hardware address of the client.
    pub hardware: [u8; 6],
    /// The address given or asked for.
    pub address: Ipv4Addr,
    /// The server; unspecified in a client's first message.
    pub server: Ipv4Addr,
    /// What the client is called.
    pub name: String,
}

impl Message {
    /// The bytes. A client that has no address asks that answers be broadcast.
    pub fn emit(&self) -> Vec<u8> {
        let answers = matches!(self.kind, OFFER | ACK);
        let mut out = vec![if answers { 2 } else { 1 }, 1, 6, 0];
        out.extend(self.xid.to_be_bytes());
        out.extend([0, 0, 0x80, 0]);
        let given = if answers {
            self.address
        } else {
            Ipv4Addr::UNSPECIFIED
        };
        let own = if self.kind == INFORM {
            self.address
        } else {
            Ipv4Addr::UNSPECIFIED
        };
        let server = if answers {
            self.server
        } else {
            Ipv4Addr::UNSPECIFIED
        };
        for address in [own, given, server, Ipv4Addr::UNSPECIFIED] {
            out.extend(address.octets());
        }
        out.extend(self.hardware);
        out.resize(OPTIONS - COOKIE.len(), 0);
        out.extend(COOKIE);
        out.extend([53, 1, self.kind]);
        if answers {
            // Mask, router, name server, lease of a day, server.
            out.extend([1, 4, 255, 255, 255, 0]);
            for option in [3, 6, 54] {
                out.extend([option, 4]);
                out.extend(self.server.octets());
            }
            out.extend([51, 4, 0, 1, 0x51, 0x80]);
        } else {
            out.extend([61, 7, 1]);
            out.extend(self.hardware);
            if self.kind == REQUEST {
                for (option, address) in [(50, self.address), (54, self.server)] {
                    out.extend([option, 4]);
                    out.extend(address.octets());
                }
            }
            let name = self.name.as_bytes();
            if let Ok(length) = u8::try_from(name.len()) {
                out.extend([12, length]);
                out.extend(name);
            }
            out.extend([55, 7, 1, 15, 3, 44, 46, 47, 6]);
        }
        out.push(255);
        out.resize(out.len().max(LEAST), 0);
        out
    }

    /// Reads a message; `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let address = |at: usize| -> Option<Ipv4Addr> {
            let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            Some(four.into())
        };
        (bytes.get(236..OPTIONS)? == COOKIE).then_some(())?;
        let (mut kind, mut wanted, mut server, mut name) = (None, None, None, String::new());
        let mut at = OPTIONS;
        while let Some(option) = bytes.get(at).copied().filter(|option| *option != 255) {
            if option == 0 {
                at += 1;
                continue;
            }
            let length = usize::from(*bytes.get(at + 1)?);
            match option {
                53 => kind = bytes.get(at + 2).copied(),
                50 => wanted = address(at + 2),
                54 => server = address(at + 2),
                12 => {
                    name = String::from_utf8_lossy(bytes.get(at + 2..at + 2 + length)?).into_owned()
                }
                _ => {}
            }
            at += 2 + length;
        }
        let kind = kind?;
        let address = match kind {
            OFFER | ACK => address(16)?,
            INFORM => address(12)?,
            _ => wanted.unwrap_or(Ipv4Addr::UNSPECIFIED),
        };
        Some(Message {
            kind,
            xid: crate::bytes::word32(bytes, 4)?,
            hardware: bytes.get(28..34)?.try_into().ok()?,
            address,
            server: server.unwrap_or(Ipv4Addr::UNSPECIFIED),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_said_is_read() {
        for kind in [DISCOVER, OFFER, REQUEST, ACK] {
            let message = Message {
                kind,
                xid: 7,
                hardware: [0, 0x60, 0x97, 7, 0xc0, 0xff],
                address: if kind == DISCOVER {
                    Ipv4Addr::UNSPECIFIED
                } else {
                    Ipv4Addr::new(192, 0, 2, 40)
                },
                server: if kind == DISCOVER {
                    Ipv4Addr::UNSPECIFIED
                } else {
                    Ipv4Addr::new(192, 0, 2, 1)
                },
                name: if kind == DISCOVER || kind == REQUEST {
                    "pc7".into()
                } else {
                    String::new()
                },
            };
            assert!(message.emit().len() >= 300);
            assert_eq!(Message::parse(&message.emit()), Some(message));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(mut bytes: Vec<u8>, tail: Vec<u8>) {
            Message::parse(&bytes);
            bytes.resize(236, 0);
            bytes.extend(COOKIE);
            bytes.extend(tail);
            Message::parse(&bytes);
        }
    }
}
