//! What can be wrong with listening.

use std::io;

/// Why an interface cannot be listened to, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// There is none of that name.
    #[error(
        "there is no interface {interface} here: `ip link` lists those of this network namespace"
    )]
    NoSuchInterface {
        /// The name.
        interface: String,
    },
    /// It is not up.
    #[error("interface {interface} is down: `ip link set {interface} up` first")]
    Down {
        /// The name.
        interface: String,
    },
    /// The system does not let this user listen.
    #[error(
        "no permission to listen on {interface}: run as root, or with the capability CAP_NET_RAW, or in a network \
         namespace of your own (`unshare -Urn`)"
    )]
    NotPermitted {
        /// The name.
        interface: String,
    },
    /// Its frames cannot be decoded.
    #[error(
        "interface {interface} is of a kind that is not listened to, {name} (ARP hardware type {number}): Ethernet, \
         loopback and tun are"
    )]
    UnsupportedType {
        /// The name.
        interface: String,
        /// What the kind is called.
        name: &'static str,
        /// Its number.
        number: u16,
    },
    /// It went down or was removed while it was listened to.
    #[error("interface {interface} went down or was removed")]
    Gone {
        /// The name.
        interface: String,
    },
    /// The system failed otherwise.
    #[error("listening on {interface}: cannot {action}: {source}")]
    System {
        /// The name.
        interface: String,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
}
