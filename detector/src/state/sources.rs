//! Hosts as sources: how many they get on with, which of them a rule has found scanning.

use super::State;
use super::table::{Keep, Table};
use crate::address::Address;

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// A rule found it scanning: its probes are counted, and no connection is kept of them.
    scanning: bool,
    /// Hosts with which it has exchanged data.
    friends: u32,
    /// A rule found it looking for hosts.
    walks: bool,
    /// It has spoken with a chat server.
    chats: bool,
    /// It has spoken a peer-to-peer protocol.
    peers: bool,
    /// It has answered hosts that ask for an address: it tries addresses before it gives them away.
    assigns: bool,
}

impl Keep for Known {
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
    table: Table<Address, Known>,
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

    pub(super) fn friends(&self, source: Address) -> u32 {
        self.table.peek(&source).map_or(0, |known| known.friends)
    }

    fn entry(&mut self, source: Address) -> &mut Known {
        let (known, evicted) = self.table.get_or_insert_with(source, Known::default);
        if evicted.is_some_and(|(_, known)| known.scanning) {
            self.scanning = self.scanning.saturating_sub(1);
        }
        known
    }
}

impl State {
    #[inline]
    pub(crate) fn is_scanning(&self, source: Address) -> bool {
        self.sources.scanning > 0
            && self
                .sources
                .table
                .peek(&source)
                .is_some_and(|known| known.scanning)
    }

    /// Whether it gives addresses away.
    pub(super) fn assigns(&self, source: Address) -> bool {
        self.sources
            .table
            .peek(&source)
            .is_some_and(|known| known.assigns)
    }

    pub(super) fn mark_assigns(&mut self, source: Address) {
        self.sources.entry(source).assigns = true;
    }

    /// Whether a rule found it looking for hosts.
    pub(crate) fn is_walking(&self, source: Address) -> bool {
        self.sources
            .table
            .peek(&source)
            .is_some_and(|known| known.walks)
    }

    /// From now on what that source asks is the second stage of its walk.
    pub(crate) fn mark_walking(&mut self, source: Address) {
        self.sources.entry(source).walks = true;
    }

    /// Whether it has spoken with a chat server.
    pub(super) fn is_in_chat(&self, source: Address) -> bool {
        self.sources
            .table
            .peek(&source)
            .is_some_and(|known| known.chats)
    }

    /// Whether it has spoken a peer-to-peer protocol.
    pub(super) fn is_peer(&self, source: Address) -> bool {
        self.sources
            .table
            .peek(&source)
            .is_some_and(|known| known.peers)
    }

    pub(super) fn mark_peer(&mut self, source: Address) {
        self.sources.entry(source).peers = true;
    }

    pub(super) fn mark_chats(&mut self, source: Address) {
        self.sources.entry(source).chats = true;
    }

    /// With how many hosts it has exchanged data.
    pub(crate) fn friends(&self, source: Address) -> usize {
        usize::try_from(self.sources.friends(source)).unwrap_or(usize::MAX)
    }

    /// From now on the probes of that source are counted only, or followed again.
    pub(crate) fn set_scanning(&mut self, source: Address, scanning: bool) {
        let known = self.sources.entry(source);
        if std::mem::replace(&mut known.scanning, scanning) != scanning {
            if scanning {
                self.sources.scanning += 1;
            } else {
                self.sources.scanning = self.sources.scanning.saturating_sub(1);
            }
        }
    }
}
