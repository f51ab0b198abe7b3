//! Which interfaces forward, beyond the switches that links are read with: that for all, and one that newer kernels have.
//! Source: linux/netconf.h, linux/ipv6.h.

use std::collections::BTreeSet;

use super::attribute::{attribute, word};

/// Kinds of messages, from linux/rtnetlink.h.
pub(super) const GET: u16 = 82;
/// Families: AF_INET and AF_INET6.
pub(super) const FAMILIES: [u8; 2] = [2, SIX];
const SIX: u8 = 10;
/// Bytes of a `struct netconfmsg`, padded.
const HEADER: usize = 4;
const INTERFACE: u16 = 1;
const FORWARDING: u16 = 2;
/// The number that stands for all interfaces, NETCONFA_IFINDEX_ALL.
const ALL: u32 = u32::MAX;

/// Bytes of a `struct ifinfomsg`, and the way to the settings of IPv6 in a message about a link: IFLA_AF_SPEC, AF_INET6,
/// IFLA_INET6_CONF.
const LINK_HEADER: usize = 16;
const SETTINGS: [u16; 3] = [26, 10, 2];
/// Where `force_forwarding` stands among these (Linux 6.17), in bytes: DEVCONF_FORCE_FORWARDING, of four each.
const FORCED: usize = 59 * 4;

/// Whether a link forwards IPv6 though the switch for all is off.
pub(super) fn is_forced(link: &[u8]) -> bool {
    let attributes = link.get(LINK_HEADER..);
    let settings = SETTINGS
        .into_iter()
        .try_fold(attributes.unwrap_or_default(), attribute);
    settings
        .and_then(|settings| word(settings, FORCED))
        .is_some_and(|value| value != 0)
}

/// A question about all interfaces.
pub(super) fn request(family: u8) -> [u8; HEADER] {
    [family, 0, 0, 0]
}

/// Which interfaces forward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forwarding {
    /// Those.
    some: BTreeSet<u32>,
    /// Or all of them: of IPv6 the switch for all is what counts, whatever an interface's own says.
    all: bool,
}

impl Forwarding {
    /// Takes in what a message says.
    pub(super) fn read(&mut self, message: &[u8]) {
        let attributes = message.get(HEADER..).unwrap_or_default();
        let number = |kind| attribute(attributes, kind).and_then(|value| word(value, 0));
        let on = |kind| number(kind).is_some_and(|value| value != 0);
        let forwards = on(FORWARDING);
        match number(INTERFACE) {
            Some(ALL) => self.all |= forwards && message.first() == Some(&SIX),
            Some(index) if forwards => {
                self.some.insert(index);
            }
            _ => {}
        }
    }

    pub(super) fn of(&self, index: u32) -> bool {
        self.all || self.some.contains(&index)
    }
}
