//! Datagrams of services and programs that know no connection: who asks or only speaks up, in a rhythm; who answers, and what.
//!
//! The client sends any [payload](crate::content::payload) to any port, broadcast addresses among them. What answers is a service
//! by name: echo (RFC 862), discard (RFC 863), chargen (RFC 864), daytime (RFC 867), time (RFC 868), and the first messages of
//! SNMP, NetBIOS names, the portmapper, TFTP, XDMCP and DHCP.

mod answers;
mod client;
mod service;

use crate::blueprint::Kind;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "datagram",
    read: client::read,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "datagram",
    read: service::read,
};
