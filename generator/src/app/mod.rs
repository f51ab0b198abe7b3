//! Applications: short conversations above TCP, and exchanges of datagrams.
//!
//! An application is one file with its client and its server. Those over TCP are two [`Dialogue`](crate::conversation::dialogue::Dialogue)s; the
//! programs that carry them are in [`conversation`](crate::conversation). A new application is a new file and a line below.

pub mod accept;
pub mod datagram;
pub mod dns;
pub mod file;
pub mod http;
pub mod http_message;
pub mod ntp;
pub mod ssh;
pub mod ssh_packet;
pub mod tls;
pub mod tls_record;

use std::sync::Arc;

use crate::blueprint::{Blueprint, Kind};
use crate::reading::Fields;

/// Applications that are code: what an activity's `app` may be besides those of [`mod@file`].
pub const CLIENTS: &[Kind] = &[
    datagram::CLIENT,
    dns::CLIENT,
    http::CLIENT,
    ntp::CLIENT,
    ssh::CLIENT,
    tls::CLIENT,
];

/// The same of a service's `app`.
pub const SERVICES: &[Kind] = &[
    accept::SERVICE,
    accept::REFUSING_SERVICE,
    datagram::SERVICE,
    dns::SERVICE,
    http::SERVICE,
    ntp::SERVICE,
    ssh::SERVICE,
    tls::SERVICE,
];

/// The names that an activity's `app` may have.
pub fn client_names() -> Vec<&'static str> {
    CLIENTS
        .iter()
        .map(|kind| kind.name)
        .chain(file::clients())
        .collect()
}

/// The names that a service's `app` may have.
pub fn service_names() -> Vec<&'static str> {
    SERVICES
        .iter()
        .map(|kind| kind.name)
        .chain(file::services())
        .collect()
}

/// Reads a client's parameters. `None` for an unknown name.
pub fn client(name: &str, fields: &mut Fields<'_, '_>) -> Option<Arc<dyn Blueprint>> {
    match CLIENTS.iter().find(|kind| kind.name == name) {
        Some(kind) => Some((kind.read)(fields)),
        None => file::built_in().get(name)?.client(fields),
    }
}

/// Reads a service's parameters. `None` for an unknown name.
pub fn service(name: &str, fields: &mut Fields<'_, '_>) -> Option<Arc<dyn Blueprint>> {
    match SERVICES.iter().find(|kind| kind.name == name) {
        Some(kind) => Some((kind.read)(fields)),
        None => file::built_in().get(name)?.service(fields),
    }
}
