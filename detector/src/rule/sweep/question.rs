//! What is asked of many addresses, and for what reasons besides looking for hosts.

use crate::news::{Attempt, Technique};
use crate::state::State;

/// Port of the NetBIOS name service, RFC 1002.
pub(super) const NETBIOS: u16 = 137;
/// Port of name servers.
const DNS: u16 = 53;
/// Port of SNMP agents.
pub(super) const SNMP: u16 = 161;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Question {
    /// For an echo or a timestamp, RFC 792.
    Ping,
    /// For a hardware address, RFC 826 and RFC 4861.
    Arp,
    /// For the names of a host, RFC 1002 section 4.2.18.
    Netbios,
    /// For what an agent knows.
    Snmp,
    /// By a datagram to that port.
    Udp(u16),
    /// For a connection to that port of a neighbour, which is known here by what its address resolution met.
    Tcp(u16),
}

impl Question {
    /// What an attempt asks; `None` of those that are not known for a question here.
    pub(super) fn of(attempt: &Attempt) -> Option<Question> {
        match attempt.technique {
            Technique::Echo | Technique::Stamp => Some(Question::Ping),
            Technique::Arp => Some(Question::Arp),
            Technique::Udp => Some(match attempt.dport {
                NETBIOS => Question::Netbios,
                SNMP => Question::Snmp,
                port => Question::Udp(port),
            }),
            _ => None,
        }
    }
}

/// Whether a question has a reason that has nothing to do with who is there.
pub(super) fn is_accounted_for(attempt: &Attempt, question: Question, state: &State) -> bool {
    let called = state
        .pair(attempt.target, attempt.source)
        .opened
        .is_some_and(|call| call < attempt.opened);
    // A resolver asks for others, wherever the names lead it.
    let resolves = question == Question::Udp(DNS)
        && (state.worked(attempt.source, DNS).is_some() || state.resolves(attempt.source));
    attempt.excuse.is_some()
        || called
        || resolves
        || !attempt.target.is_host()
        || state.pair(attempt.source, attempt.target).traced
}
