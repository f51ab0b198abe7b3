//! Where the counters of a host stand that has run for a while: ports of its connections, identifications of its packets.
//!
//! Both count since it started, so of a host that does one thing over and over their difference tells more than either.

use super::reader::Reader;
use crate::host::sockets::Counters;
use crate::host::stack::{IpId, Stack};
use crate::reading::document::Node;
use crate::reading::fields::Fields;

/// The keys `next_port` and `id_behind`.
pub(super) fn counters(fields: &mut Fields<'_, '_>) -> Option<Counters> {
    let next_port = fields.word("next_port");
    let id_behind = fields.word("id_behind");
    if next_port.is_none() && id_behind.is_some() {
        let origin = fields.origin().clone();
        let message =
            "id_behind counts from next_port: say next_port = \"1024..4900\" or the like too";
        fields.mistake(&origin, message);
    }
    next_port.map(|next_port| Counters {
        next_port,
        id_behind,
    })
}

impl Reader<'_> {
    /// Notes what a stack does not count that is to stand somewhere.
    pub(super) fn check_counters(&mut self, node: &Node, counters: Counters, stack: &Stack) {
        let name = &stack.name;
        let ports = &stack.tcp.ephemeral;
        if !stack.tcp.ephemeral_in_order {
            let message = format!("next_port: stack '{name}' does not take its ports in order");
            self.mistakes.note(&node.origin, message);
        } else if !ports.contains(&counters.next_port) {
            let (first, last) = (ports.start(), ports.end());
            let message = format!("next_port: stack '{name}' takes ports from {first} to {last}");
            self.mistakes.note(&node.origin, message);
        }
        let counts = matches!(stack.ip_id, IpId::Counter | IpId::SwappedCounter);
        if counters.id_behind.is_some() && !counts {
            let message = format!(
                "id_behind: stack '{name}' has no one identification that counts its packets"
            );
            self.mistakes.note(&node.origin, message);
        }
    }
}
