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

/// Changes a packet that is quoted; returns what that does to a sum over it. Who knows packets gives it to messages.
pub(super) type Quoted = fn(&Change<'_>, &mut [u8]) -> Difference;

/// Changes what an ICMP message says; returns what that does to its sum.
pub(super) fn change_v4(change: &Change<'_>, message: &mut [u8], quoted: Quoted) -> Difference {
    let mut changed = Difference::NONE;
    match message.first() {
        Some(&kind) if Icmp::is_error(kind) => {
            if kind == REDIRECT {
                changed.replace(message, 4, |gateway| change.v4(gateway));
            }
            changed + behind(message, HEADER_BYTES, change, quoted)
        }
        _ => changed,
    }
}

/// Changes what an ICMPv6 message says; returns what that does to its sum.
pub(super) fn change_v6(change: &Change<'_>, message: &mut [u8], quoted: Quoted) -> Difference {
    let mut changed = Difference::NONE;
    let options = match message.first() {
        Some(&kind) if kind < FIRST_INFORMATIONAL => {
            return behind(message, HEADER_BYTES, change, quoted);
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
    let options = message.get_mut(options..).unwrap_or_default();
    changed + neighbor_options(change, options, quoted)
}

/// Changes the packet that stands behind so many bytes.
fn behind(bytes: &mut [u8], at: usize, change: &Change<'_>, quoted: Quoted) -> Difference {
    let packet = bytes.get_mut(at..);
    packet.map_or(Difference::NONE, |packet| quoted(change, packet))
}

fn neighbor_options(change: &Change<'_>, mut options: &mut [u8], quoted: Quoted) -> Difference {
    let mut changed = Difference::NONE;
    while let &mut [kind, length, ..] = options
        && length > 0
        && let Some((option, rest)) = options.split_at_mut_checked(usize::from(length) * 8)
    {
        match kind {
            SOURCE_LINK_LAYER_ADDRESS | TARGET_LINK_LAYER_ADDRESS if length == 1 => {
                changed.replace(option, 2, |address| change.macs.follow(address));
            }
            REDIRECTED_HEADER => changed = changed + behind(option, 8, change, quoted),
            _ => {}
        }
        options = rest;
    }
    changed
}
