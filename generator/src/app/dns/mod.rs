//! Name lookups: a stub resolver with its retries, and servers that know the names they are asked for, over UDP and TCP.
//!
//! Not modelled: caches, and what a server asks others.

mod client;
mod names;
mod server;

use crate::blueprint::Kind;

/// The client.
pub const CLIENT: Kind = Kind {
    name: "dns",
    read: client::read,
};
/// The server.
pub const SERVICE: Kind = Kind {
    name: "dns",
    read: server::read,
};
