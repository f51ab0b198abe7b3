//! What rules of nftables (nft(8)) send elsewhere, from messages of nfnetlink: `fwd` and `dup`, and TEE of iptables, which
//! its newer form keeps here.
//!
//! As of traffic control, only where packets are sent to is of interest. What is known to leave them where they are is named
//! here; everything else may send them anywhere. Source: linux/netfilter/nf_tables.h and nf_tables_compat.h.

use std::collections::BTreeMap;

use super::attribute::{attribute, attributes, network_word, text, word};
use super::xtables;
use super::{Detour, Interface, Side, Target};

/// Kinds of messages: the subsystem, and what is asked for.
pub(super) const GET_CHAINS: u16 = (10 << 8) | 4;
pub(super) const GET_RULES: u16 = (10 << 8) | 7;
/// The group of the messages that tell of changes, NFNLGRP_NFTABLES.
pub(super) const GROUP: u32 = 7;
/// A question about all families: a `struct nfgenmsg`.
pub(super) const REQUEST: [u8; HEADER] = [0; HEADER];

/// Bytes of a `struct nfgenmsg`.
const HEADER: usize = 4;
/// The family whose chains stand at interfaces, NFPROTO_NETDEV.
const NETDEV: u8 = 5;
/// Its hooks, NF_NETDEV_INGRESS and NF_NETDEV_EGRESS.
const INGRESS: u32 = 0;
const EGRESS: u32 = 1;
/// Attributes of chains and rules.
const TABLE: u16 = 1;
const CHAIN_HOOK: u16 = 4;
const HOOK_NUMBER: u16 = 1;
const HOOK_DEVICE: u16 = 3;
const HOOK_DEVICES: u16 = 4;
const DEVICE_NAME: u16 = 1;
const DEVICE_PREFIX: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
/// Attributes of expressions.
const ELEMENT: u16 = 1;
const NAME: u16 = 1;
const DATA: u16 = 2;
const IMMEDIATE_REGISTER: u16 = 1;
const IMMEDIATE_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;
const DUP_ADDRESS: u16 = 1;
const DUP_DEVICE: u16 = 2;
const FWD_DEVICE: u16 = 1;
const TARGET_NAME: u16 = 1;
const TARGET_INFO: u16 = 3;
const NAT_TYPE: u16 = 1;
/// NFT_NAT_DNAT: an address of the machine may stand for another.
const DNAT: u32 = 1;
const RULE_CHAIN: u16 = 2;
const CHAIN_NAME: u16 = 3;

/// Expressions that look, count, mark, drop, answer, or change packets, and send none elsewhere by themselves.
const HARMLESS: [&str; 31] = [
    "bitwise",
    "byteorder",
    "cmp",
    "connlimit",
    "counter",
    "ct",
    "dynset",
    "exthdr",
    "fib",
    "hash",
    "immediate",
    "inner",
    "last",
    "limit",
    "log",
    "lookup",
    "masq",
    "match",
    "meta",
    "notrack",
    "numgen",
    "objref",
    "osf",
    "payload",
    "queue",
    "quota",
    "range",
    "rt",
    "socket",
    "synproxy",
    "xfrm",
];

/// Families of hosts, NFPROTO_INET, NFPROTO_IPV4 and NFPROTO_IPV6, and their first hook, NF_INET_PRE_ROUTING.
const HOSTS: [u8; 3] = [1, 2, 10];
const PREROUTING: u32 = 0;

/// What the detours of this module go by.
const BY: &str = "a rule of nftables";

/// The detours of all rules, given the chains.
pub fn read_rules(chains: &[Vec<u8>], rules: &[Vec<u8>], interfaces: &[Interface]) -> Vec<Detour> {
    let places = places(chains, interfaces);
    let hooks = hooks(chains);
    let mut detours = Vec::new();
    for rule in rules {
        let Some((family, told)) = split(rule) else {
            continue;
        };
        let table = attribute(told, TABLE).map(text).unwrap_or_default();
        let chain = attribute(told, RULE_CHAIN).map(text).unwrap_or_default();
        let rejects = rejects_others(&hooks, (family, &table), &chain);
        let targets = read_rule(told, rejects, interfaces);
        if targets.is_empty() {
            continue;
        }
        // Chains are called by others of the same table: any of its places will do.
        let everywhere = [(None, Side::In)];
        let at = match places.get(&(family, table)) {
            Some(places) if family == NETDEV => places.as_slice(),
            _ => everywhere.as_slice(),
        };
        for (at, side) in at {
            detours.extend(targets.iter().map(|target| Detour {
                at: *at,
                side: *side,
                by: BY,
                target: target.clone(),
            }));
        }
    }
    detours
}

/// A table, by its family and name.
type Table = (u8, String);

/// Where the chains of each table stand.
fn places(
    chains: &[Vec<u8>],
    interfaces: &[Interface],
) -> BTreeMap<Table, Vec<(Option<u32>, Side)>> {
    let mut places: BTreeMap<Table, Vec<_>> = BTreeMap::new();
    for chain in chains {
        let Some((family, told)) = split(chain) else {
            continue;
        };
        let Some(hook) = attribute(told, CHAIN_HOOK) else {
            continue;
        };
        let number = attribute(hook, HOOK_NUMBER).and_then(network_word);
        let side = match (family, number) {
            (NETDEV, Some(INGRESS)) => Side::In,
            (NETDEV, Some(EGRESS)) => Side::Out,
            _ => continue,
        };
        let table = attribute(told, TABLE).map(text).unwrap_or_default();
        let known = places.entry((family, table)).or_default();
        let mut named = |fits: &dyn Fn(&str) -> bool| {
            let those = interfaces.iter().filter(|one| fits(&one.name));
            known.extend(those.map(|one| (Some(one.index), side)));
        };
        let several = attribute(hook, HOOK_DEVICES).unwrap_or_default();
        let single = attribute(hook, HOOK_DEVICE).into_iter();
        for name in attributes(several, DEVICE_NAME).chain(single) {
            named(&|other: &str| other == text(name));
        }
        for prefix in attributes(several, DEVICE_PREFIX) {
            named(&|other: &str| other.starts_with(&text(prefix)));
        }
    }
    places
}

/// The hooks at which chains of hosts stand, by table and name.
fn hooks(chains: &[Vec<u8>]) -> BTreeMap<(Table, String), u32> {
    let hook = |chain: &Vec<u8>| {
        let (family, told) = split(chain)?;
        let number = attribute(attribute(told, CHAIN_HOOK)?, HOOK_NUMBER).and_then(network_word)?;
        let table = attribute(told, TABLE).map(text).unwrap_or_default();
        let name = attribute(told, CHAIN_NAME).map(text).unwrap_or_default();
        HOSTS
            .contains(&family)
            .then_some((((family, table), name), number))
    };
    chains.iter().filter_map(hook).collect()
}

/// Whether what a chain of that table rejects may be for others than this machine: a chain before routing, or one that such a
/// one may call. Those of interfaces and bridges answer the way that packets came.
fn rejects_others(
    hooks: &BTreeMap<(Table, String), u32>,
    (family, table): (u8, &str),
    chain: &str,
) -> bool {
    let table = (family, table.to_owned());
    match hooks.get(&(table.clone(), chain.to_owned())) {
        Some(hook) => *hook == PREROUTING,
        None => {
            let mut others = hooks.iter();
            others.any(|((other, _), hook)| *other == table && *hook == PREROUTING)
        }
    }
}

/// Where a rule sends packets besides. What it rejects may be for others.
fn read_rule(rule: &[u8], rejects_others: bool, interfaces: &[Interface]) -> Vec<Target> {
    let mut registers: BTreeMap<u32, u32> = BTreeMap::new();
    let mut targets = Vec::new();
    let expressions = attribute(rule, RULE_EXPRESSIONS).unwrap_or_default();
    for expression in attributes(expressions, ELEMENT) {
        let name = attribute(expression, NAME).map(text).unwrap_or_default();
        let data = attribute(expression, DATA).unwrap_or_default();
        let loaded = |register: u16| {
            let register = attribute(data, register).and_then(network_word)?;
            Some(registers.get(&register).copied())
        };
        let out = |device: Option<u32>, what: &str| match device {
            Some(index) => Target::Leaves(index),
            None => Target::Unreadable(what.to_owned()),
        };
        match name.as_str() {
            "fwd" => {
                let device = loaded(FWD_DEVICE).flatten();
                targets.push(out(device, "a rule of nftables that forwards by a map"));
            }
            "dup" => match (loaded(DUP_DEVICE), loaded(DUP_ADDRESS)) {
                (Some(device), _) => {
                    targets.push(out(device, "a rule of nftables that copies by a map"))
                }
                (None, _) => {
                    targets.push(out(None, "a rule of nftables that copies to an address"))
                }
            },
            "target" => {
                let target = attribute(data, TARGET_NAME).map(text).unwrap_or_default();
                let info = attribute(data, TARGET_INFO).unwrap_or_default();
                targets.extend(xtables::read_target(&target, info, interfaces));
            }
            "redir" | "tproxy" => targets.push(Target::Machine),
            "nat" => {
                let kind = attribute(data, NAT_TYPE).and_then(network_word);
                targets.extend((kind == Some(DNAT)).then_some(Target::Machine));
            }
            "reject" => targets.extend(rejects_others.then_some(Target::Machine)),
            known if HARMLESS.contains(&known) => {}
            other => targets.push(Target::Unreadable(format!(
                "a rule of nftables with {other}"
            ))),
        }
        // A register holds a number that is known only right after that was put there.
        if name == "immediate" {
            let register = attribute(data, IMMEDIATE_REGISTER).and_then(network_word);
            let value =
                attribute(data, IMMEDIATE_DATA).and_then(|data| attribute(data, DATA_VALUE));
            if let (Some(register), Some(index)) =
                (register, value.and_then(|value| word(value, 0)))
            {
                registers.insert(register, index);
            }
        } else {
            registers.clear();
        }
    }
    targets
}

fn split(message: &[u8]) -> Option<(u8, &[u8])> {
    Some((*message.first()?, message.get(HEADER..)?))
}
