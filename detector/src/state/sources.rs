//! Hosts as sources: how many they get on with, which of them a rule has found scanning.

use wire::Timestamp;

use super::table::{Keep, Table};
use crate::address::Address;

/// What is remembered of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Source {
    /// A rule found it scanning: its probes are counted, and no connection is kept of them.
    scanning: bool,
    /// Hosts with which it has exchanged data.
    pub(super) friends: u32,
    /// A rule found it looking for hosts.
    pub(super) walks: bool,
    /// It has pinged hosts that are not there.
    pub(super) seeks: bool,
    /// It has spoken with a chat server.
    pub(super) chats: bool,
    /// It has spoken a peer-to-peer protocol.
    pub(super) peers: bool,
    /// It has answered hosts that ask for an address: it tries addresses before it gives them away.
    pub(super) assigns: bool,
    /// When the address was last given to somebody.
    pub(super) given: Option<Timestamp>,
    /// Data has flowed in a connection whose SYN looked hand-made, or it insisted on one as stacks do: its stack's are so.
    pub(super) bare: bool,
    /// It has asked a name server as resolvers do.
    pub(super) resolves: bool,
    /// How long its last packet had to live, where that was short, and how many in a row had as long.
    pub(super) ttl: u8,
    pub(super) steady: u8,
    /// It has sent what surely was to die on the way.
    pub(super) short: bool,
    /// It has named the way of a packet.
    pub(super) routes: bool,
}

impl Keep for Source {
    fn worth(&self) -> u8 {
        match (self.scanning, self.walks) {
            (true, _) => 8,
            (_, true) => 4,
            _ => 1,
        }
    }
}

/// All sources.
pub(super) struct Sources {
    table: Table<Address, Source>,
    /// How many scan: mostly none, and then nothing need be looked up.
    scanning: usize,
}

impl Sources {
    pub(super) fn new(capacity: usize) -> Self {
        Sources {
            table: Table::new(capacity),
            scanning: 0,
        }
    }

    pub(super) fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    pub(super) fn gained_friend(&mut self, source: Address) {
        let known = self.entry(source);
        known.friends = known.friends.saturating_add(1);
    }

    pub(super) fn get(&self, source: Address) -> Source {
        self.table.peek(&source).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn is_scanning(&self, source: Address) -> bool {
        self.scanning > 0 && self.table.peek(&source).is_some_and(|known| known.scanning)
    }

    pub(super) fn set_scanning(&mut self, source: Address, scanning: bool) {
        let known = self.entry(source);
        if std::mem::replace(&mut known.scanning, scanning) != scanning {
            if scanning {
                self.scanning += 1;
            } else {
                self.scanning = self.scanning.saturating_sub(1);
            }
        }
    }

    /// What is known of it, to be changed; whether it scans is [set](Self::set_scanning).
    pub(super) fn entry(&mut self, source: Address) -> &mut Source {
        let (known, evicted) = self.table.get_or_insert_with(source, Source::default);
        if evicted.is_some_and(|(_, known)| known.scanning) {
            self.scanning = self.scanning.saturating_sub(1);
        }
        known
    }
}
