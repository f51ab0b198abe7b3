//! Applications: short conversations above TCP, and exchanges of datagrams.
//!
//! An application is one file with its client and its server. Those over TCP are two [`Dialogue`](crate::conversation::dialogue::Dialogue)s; the
//! programs that carry them are in [`conversation`](crate::conversation). A new application is a new file and a line below.

pub mod accept;
pub mod dns;
pub mod dns_message;
pub mod ftp;
pub mod http;
pub mod http_message;
pub mod news;
pub mod ntp;
pub mod smtp;
pub mod ssh;
pub mod ssh_packet;
pub mod tls;
pub mod tls_record;

use crate::blueprint::Kind;

/// What an activity's `app` may be.
pub const CLIENTS: &[Kind] = &[
    dns::CLIENT,
    ftp::CLIENT,
    http::CLIENT,
    news::CLIENT,
    ntp::CLIENT,
    smtp::CLIENT,
    ssh::CLIENT,
    tls::CLIENT,
];

/// What a service's `app` may be.
pub const SERVICES: &[Kind] = &[
    accept::SERVICE,
    accept::REFUSING_SERVICE,
    dns::SERVICE,
    ftp::SERVICE,
    http::SERVICE,
    news::SERVICE,
    ntp::SERVICE,
    smtp::SERVICE,
    ssh::SERVICE,
    tls::SERVICE,
];
