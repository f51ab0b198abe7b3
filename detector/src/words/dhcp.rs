//! Leases of addresses, RFC 2131.

use std::net::Ipv4Addr;

/// Of a server's answer: the address that it gives away.
pub(crate) fn given_address(bytes: &[u8]) -> Option<Ipv4Addr> {
    const REPLY: u8 = 2;
    const YOURS: std::ops::Range<usize> = 16..20;
    if bytes.first() != Some(&REPLY) {
        return None;
    }
    let yours: [u8; 4] = bytes.get(YOURS)?.try_into().ok()?;
    Some(Ipv4Addr::from(yours)).filter(|address| !address.is_unspecified())
}
