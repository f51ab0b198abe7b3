//! What traffic control (tc(8)) does with packets besides letting them go on, from messages of rtnetlink.
//!
//! Only where packets are sent to is of interest. What is known to leave them where they are is named here; everything
//! else may send them anywhere. Source: linux/pkt_sched.h, linux/pkt_cls.h and linux/tc_act/tc_mirred.h.

use netlink_packet_core::NlasIterator;

use super::attribute::{attribute, text, word};

/// Where packets are sent besides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Detour {
    /// The interface that they pass; every one where there is none.
    pub at: Option<u32>,
    /// On their way in or out.
    pub side: Side,
    /// What sends them there, in words.
    pub by: &'static str,
    /// Where they go.
    pub target: Target,
}

/// Which packets of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Those that arrive.
    In,
    /// Those that leave.
    Out,
}

/// Where a detour leads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Out through that interface.
    Leaves(u32),
    /// In at that interface, as if they had arrived there.
    Arrives(u32),
    /// Nowhere else, but the machine takes them for its own, or answers them, whatever their address.
    Machine,
    /// Nobody knows: what it is.
    Unreadable(String),
}

/// What the detours of this module go by.
const BY: &str = "a filter (tc)";
/// Bytes of a `struct tcmsg`.
const HEADER: usize = 20;
/// The handle of the queues for what arrives: `ingress` and `clsact`.
const INGRESS: u32 = 0xffff_0000;
const CLSACT_IN: u32 = 0xffff_fff2;
const CLSACT_OUT: u32 = 0xffff_fff3;
/// Attributes of queues and filters, and of actions.
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_ACT_KIND: u16 = 1;
const TCA_ACT_OPTIONS: u16 = 2;
const TCA_MIRRED_PARMS: u16 = 2;
const TCA_MIRRED_BLOCKID: u16 = 4;

/// What a RED queue does with packets that it drops or marks: filters that stand at no interface.
const TCA_RED_EARLY_DROP_BLOCK: u16 = 5;
const TCA_RED_MARK_BLOCK: u16 = 6;

/// Where the filters of a kind keep their actions.
const ACTIONS: [(&str, u16); 8] = [
    ("basic", 3),
    ("cgroup", 1),
    ("flow", 9),
    ("flower", 3),
    ("fw", 4),
    ("matchall", 2),
    ("route", 6),
    ("u32", 7),
];

/// Actions that count, mark, drop or change packets, and send none elsewhere.
const HARMLESS: [&str; 16] = [
    "connmark", "csum", "ct", "ctinfo", "gact", "gate", "ife", "mpls", "nat", "pedit", "police",
    "sample", "simple", "skbedit", "skbmod", "vlan",
];

/// A queue of an interface, or a class of one.
pub(super) struct Queue {
    pub(super) interface: u32,
    pub(super) handle: u32,
    kind: String,
}

impl Queue {
    pub(super) fn read(message: &[u8]) -> Option<Queue> {
        let kind = attribute(message.get(HEADER..)?, TCA_KIND).map(text)?;
        Some(Queue {
            interface: word(message, 4)?,
            handle: word(message, 8)?,
            kind,
        })
    }

    /// Where filters may hang: those without a handle, as most interfaces have, can have none.
    pub(super) fn filter_parents(&self) -> Vec<(u32, Side)> {
        match (self.kind.as_str(), self.handle) {
            ("clsact", _) => vec![(CLSACT_IN, Side::In), (CLSACT_OUT, Side::Out)],
            ("ingress", _) => vec![(INGRESS, Side::In)],
            (_, 0) => Vec::new(),
            (_, handle) => vec![(handle, Side::Out)],
        }
    }

    pub(super) fn has_classes(&self) -> bool {
        self.handle != 0 && !["clsact", "ingress"].contains(&self.kind.as_str())
    }
}

/// Where a queue sends packets by itself.
pub fn read_queue(message: &[u8]) -> Option<Detour> {
    let queue = Queue::read(message)?;
    let options = attribute(message.get(HEADER..)?, TCA_OPTIONS)?;
    let blocks = [TCA_RED_EARLY_DROP_BLOCK, TCA_RED_MARK_BLOCK];
    let mut blocks = blocks
        .into_iter()
        .filter_map(|block| word(attribute(options, block)?, 0));
    (queue.kind == "red" && blocks.any(|block| block != 0)).then(|| Detour {
        at: Some(queue.interface),
        side: Side::Out,
        by: BY,
        target: Target::Unreadable("a queue (red) with filters for what it drops".to_owned()),
    })
}

/// A question about the queues, classes or filters of an interface; of all interfaces where it is 0.
pub(super) fn request(interface: u32, parent: u32) -> [u8; HEADER] {
    let mut message = [0; HEADER];
    message[4..8].copy_from_slice(&interface.to_ne_bytes());
    message[12..16].copy_from_slice(&parent.to_ne_bytes());
    message
}

/// The detours of a filter of that interface and side.
pub fn read_filter(message: &[u8], at: u32, side: Side) -> Vec<Detour> {
    let detour = |target| Detour {
        at: Some(at),
        side,
        by: BY,
        target,
    };
    let attributes = message.get(HEADER..).unwrap_or_default();
    let Some(kind) = attribute(attributes, TCA_KIND).map(text) else {
        return vec![detour(Target::Unreadable("a filter".to_owned()))];
    };
    let Some((_, place)) = ACTIONS.iter().find(|(name, _)| *name == kind) else {
        let what = match kind.as_str() {
            "bpf" => "an eBPF program".to_owned(),
            other => format!("a filter of kind {other}"),
        };
        return vec![detour(Target::Unreadable(what))];
    };
    let options = attribute(attributes, TCA_OPTIONS).unwrap_or_default();
    let actions = attribute(options, *place).unwrap_or_default();
    let actions = NlasIterator::new(actions);
    actions
        .filter_map(|action| match action {
            Ok(action) => read_action(action.value()),
            Err(_) => Some(Target::Unreadable("a damaged filter".to_owned())),
        })
        .map(detour)
        .collect()
}

/// Where an action sends packets, unless it leaves them where they are.
fn read_action(action: &[u8]) -> Option<Target> {
    let kind = attribute(action, TCA_ACT_KIND)
        .map(text)
        .unwrap_or_default();
    if HARMLESS.contains(&kind.as_str()) {
        return None;
    }
    let unreadable = || Some(Target::Unreadable(format!("an action of kind {kind}")));
    if kind != "mirred" {
        return unreadable();
    }
    let options = attribute(action, TCA_ACT_OPTIONS).unwrap_or_default();
    if attribute(options, TCA_MIRRED_BLOCKID).is_some() {
        return Some(Target::Unreadable(
            "an action that sends to a whole block of interfaces".to_owned(),
        ));
    }
    // struct tc_mirred: five words of any action, what to do, the interface.
    let parameters = attribute(options, TCA_MIRRED_PARMS).unwrap_or_default();
    match (word(parameters, 20), word(parameters, 24)) {
        (Some(1 | 2), Some(index)) => Some(Target::Leaves(index)),
        (Some(3 | 4), Some(index)) => Some(Target::Arrives(index)),
        _ => unreadable(),
    }
}
