//! What messages of ICMP and ICMPv6 say of addresses: errors quote a packet (RFC 792, RFC 4443), redirects name a
//! gateway, neighbour discovery names a target and hardware addresses (RFC 4861).

use wire::Icmp;
use wire::icmp::{HEADER_BYTES, REDIRECT};

use super::change::Change;
use super::difference::Difference;

/// Types of neighbour discovery, RFC 4861 section 4.
const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const REDIRECT_V6: u8 = 137;
/// Types below are errors, RFC 4443 section 2.1.
const FIRST_INFORMATIONAL: u8 = 128;
/// Options of neighbour discovery, RFC 4861 section 4.6.
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
const REDIRECTED_HEADER: u8 = 4;

/// Changes what an ICMP message says; returns what that does to its sum.
pub(super) fn change_v4(change: &Change<'_>, message: &mut [u8]) -> Difference {
    let mut changed = Difference::NONE;
    match message.first() {
        Some(&kind) if Icmp::is_error(kind) => {
            if kind == REDIRECT {
                changed.replace(message, 4, |gateway| change.v4(gateway));
            }
            changed + quoted(change, message, HEADER_BYTES)
        }
        _ => changed,
    }
}

/// Changes what an ICMPv6 message says; returns what that does to its sum.
pub(super) fn change_v6(change: &Change<'_>, message: &mut [u8]) -> Difference {
    let mut changed = Difference::NONE;
    let options = match message.first() {
        Some(&kind) if kind < FIRST_INFORMATIONAL => {
            return quoted(change, message, HEADER_BYTES);
        }
        Some(&ROUTER_SOLICITATION) => 8,
        Some(&ROUTER_ADVERTISEMENT) => 16,
        Some(&(NEIGHBOR_SOLICITATION | NEIGHBOR_ADVERTISEMENT)) => {
            changed.replace(message, 8, |target| change.v6(target));
            24
        }
        Some(&REDIRECT_V6) => {
            changed.replace(message, 8, |target| change.v6(target));
            changed.replace(message, 24, |destination| change.v6(destination));
            40
        }
        _ => return changed,
    };
    changed + neighbor_options(change, message.get_mut(options..).unwrap_or_default())
}

fn quoted(change: &Change<'_>, message: &mut [u8], at: usize) -> Difference {
    message
        .get_mut(at..)
        .map_or(Difference::NONE, |packet| change.quoted(packet))
}

fn neighbor_options(change: &Change<'_>, mut options: &mut [u8]) -> Difference {
    let mut changed = Difference::NONE;
    while let &mut [kind, length, ..] = options
        && length > 0
        && let Some((option, rest)) = options.split_at_mut_checked(usize::from(length) * 8)
    {
        match kind {
            SOURCE_LINK_LAYER_ADDRESS | TARGET_LINK_LAYER_ADDRESS if length == 1 => {
                changed.replace(option, 2, |address| change.macs.follow(address));
            }
            REDIRECTED_HEADER => changed = changed + quoted(change, option, 8),
            _ => {}
        }
        options = rest;
    }
    changed
}
