//! Sites, paths and sensors.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::reader::{Reader, Unstated};
use crate::net::filter::Filter;
use crate::net::nat;
use crate::net::path::{LineConfig, QUEUE, picos_per_byte};
use crate::net::topology::{AbsentPolicy, SiteId};
use crate::reading::document::Node;
use crate::reading::fields::{Fields, list, text_ref};
use crate::scenario::{PathSpec, SiteSpec};

/// What every link carries in one piece for IPv6.
const IPV6_LEAST_MTU: u64 = 1280;

impl Reader<'_> {
    pub(super) fn site(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("site.{name}"), node, self.mistakes);
        let wanted = "blocks of addresses, such as [\"192.0.2.0/24\"]";
        let prefixes: Vec<IpNet> = fields
            .required("prefixes", wanted, |value| {
                list(value, |item| text_ref(item)?.parse().ok())
            })
            .unwrap_or_default();
        let policies = [
            ("silent", AbsentPolicy::Silent),
            ("host-unreachable", AbsentPolicy::HostUnreachable),
            ("network-unreachable", AbsentPolicy::NetworkUnreachable),
        ];
        let absent = fields.choice("absent", &policies).unwrap_or_default();
        let router = fields.parsed("router", "an address", |value| {
            text_ref(value)?.parse::<IpAddr>().ok()
        });
        let directed_broadcast = fields.flag("directed_broadcast");
        let inner_routers = fields
            .parsed("inner_routers", "a list of addresses", |value| {
                list(value, |item| text_ref(item)?.parse::<IpAddr>().ok())
            })
            .unwrap_or_default();
        let nat = translator(name, &mut fields, &prefixes);
        let router = router.or(nat.map(IpAddr::from));
        // Who stands behind a translator knows it by the last of the private addresses.
        let gateway = nat
            .and_then(|_| prefixes.iter().find(|block| is_private(block)))
            .map(last_host);
        let filter = fields.node("filter");
        let filter = filter
            .map(|node| filter_of(node, fields.mistakes()))
            .unwrap_or_default();
        fields.finish();
        // The last address of the first block, unless said otherwise.
        let first = prefixes.first().map(last_host);
        let Some(router) = router.or(first) else {
            return;
        };
        self.sites.push(SiteSpec {
            name: name.to_owned(),
            prefixes,
            absent,
            filter,
            router,
            gateway: gateway.unwrap_or(router),
            inner_routers,
            directed_broadcast,
            nat,
        });
        self.check_blocks(node, name);
    }

    /// How long a path is: as the file says, or as paths are.
    fn stretch(
        &self,
        name: &str,
        hops: Option<u8>,
        delay: Option<u64>,
        words: LineWords,
        far: bool,
    ) -> (u8, LineConfig) {
        if self.unstated == Unstated::Plain {
            return (hops.unwrap_or(12), words.line(delay.unwrap_or(0)));
        }
        let mut draws = self.tree.draws(&format!("stretch/{name}"));
        // Assumption, as for the lines of hosts: what lies between a border and its neighbours' borders.
        let (mut own_hops, mut own_delay) =
            (draws.range(3..=8), draws.range(1_000_000..=12_000_000));
        let rate = draws
            .pick(&["100 Mbit/s", "622 Mbit/s", "1 Gbit/s"])
            .copied();
        if far {
            own_hops += draws.range(2..=12);
            own_delay += draws.range(2_000_000..=90_000_000);
        }
        let mut line = words.line(delay.unwrap_or(own_delay));
        line.jitter = words.jitter.unwrap_or(line.delay / 12);
        line.per_byte = words
            .per_byte
            .or_else(|| picos_per_byte(rate?))
            .unwrap_or(0);
        (hops.unwrap_or(u8::try_from(own_hops).unwrap_or(12)), line)
    }

    pub(super) fn path(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("path.{name}"), node, self.mistakes);
        let between = fields.texts("between");
        let hops = fields.byte("hops");
        let mtu = fields.number("mtu", 68..=65535).unwrap_or(1500);
        let silent_mtu = fields.flag("silent_mtu");
        let circle = fields
            .node("loop")
            .and_then(|node| circle(node, fields.mistakes()));
        let forwards_expired = fields.flag("forwards_expired");
        let routers = fields
            .parsed("routers", "a list of addresses", |value| {
                list(value, |item| text_ref(item)?.parse::<IpAddr>().ok())
            })
            .unwrap_or_default();
        let delay = fields.duration("delay");
        let words = line(&mut fields, "jitter");
        fields.finish();
        let [first, second] = between.as_slice() else {
            self.mistakes.note(
                &node.origin,
                format!("path.{name} joins two sites: between = [\"a\", \"b\"]"),
            );
            return;
        };
        let ends = (self.site_named(node, first), self.site_named(node, second));
        if first == second {
            let message = format!(
                "path.{name}: between = [\"{first}\", \"{second}\"]: a path joins two different sites"
            );
            self.mistakes.note(&node.origin, message);
        }
        let same = |path: &&PathSpec| path.ends == ends || path.ends == (ends.1, ends.0);
        if let Some(other) = self.paths.iter().find(same) {
            let message = format!(
                "path.{name}: '{}' joins '{first}' and '{second}' already, and all packets would take that one: leave one of them out",
                other.name
            );
            self.mistakes.note(&node.origin, message);
        }
        let six = |site: SiteId| {
            let spec = self.sites.get(site.0);
            spec.is_some_and(|spec| spec.prefixes.iter().any(|block| block.addr().is_ipv6()))
        };
        if mtu < IPV6_LEAST_MTU && six(ends.0) && six(ends.1) {
            let message = format!(
                "path.{name}: mtu = {mtu}: both sites have IPv6, which needs {IPV6_LEAST_MTU} bytes (RFC 8200 section 5)"
            );
            self.mistakes.note(&node.origin, message);
        }
        // Between two watched sites lies as much as elsewhere lies within the site that nobody watches.
        let far = self.watched.contains_key(first) && self.watched.contains_key(second);
        let (hops, line) = self.stretch(name, hops, delay, words, far);
        self.paths.push(PathSpec {
            name: name.to_owned(),
            ends,
            hops,
            routers,
            mtu: usize::try_from(mtu).unwrap_or(1500),
            silent_mtu,
            circle,
            forwards_expired,
            line,
        });
    }
}

/// The address behind which a site's private ones stand, where its file says so.
fn translator(name: &str, fields: &mut Fields<'_, '_>, prefixes: &[IpNet]) -> Option<Ipv4Addr> {
    let wanted = "an IPv4 address that is not private, behind which its private addresses stand";
    let outside = fields.parsed("nat", wanted, |value| {
        nat::outside(text_ref(value)?.parse().ok()?)
    })?;
    let inside = |block: &IpNet| block.contains(&IpAddr::from(outside));
    if !prefixes.iter().any(inside) || !prefixes.iter().any(is_private) {
        let origin = fields.origin().clone();
        let message = format!(
            "site.{name}: nat = \"{outside}\": its prefixes need a block with that address and a private one, such as \
             [\"{outside}/32\", \"10.0.0.0/24\"]"
        );
        fields.mistake(&origin, message);
    }
    Some(outside)
}

fn is_private(block: &IpNet) -> bool {
    matches!(block, IpNet::V4(block) if block.network().is_private())
}

/// The last address of a block that a host may have.
fn last_host(block: &IpNet) -> IpAddr {
    match block {
        IpNet::V4(block) if block.prefix_len() < 31 => {
            Ipv4Addr::from(u32::from(block.broadcast()) - 1).into()
        }
        IpNet::V4(block) => block.addr().into(),
        IpNet::V6(block) => block.broadcast().into(),
    }
}

/// What a file says of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineWords {
    /// Mean of the exponentially distributed rest of the delay, in nanoseconds.
    pub jitter: Option<u64>,
    /// Picoseconds a byte.
    pub per_byte: Option<u64>,
    loss: u32,
    reorder: u32,
    queue: u64,
}

impl LineWords {
    /// The line with that delay, and without what the file does not state.
    pub fn line(self, delay: u64) -> LineConfig {
        LineConfig {
            delay,
            jitter: self.jitter.unwrap_or(0),
            loss: self.loss,
            reorder: self.reorder,
            per_byte: self.per_byte.unwrap_or(0),
            queue: self.queue,
        }
    }
}

/// The keys of a line: jitter under the given name, and loss, reorder, bandwidth, queue.
pub(super) fn line(fields: &mut Fields<'_, '_>, jitter: &'static str) -> LineWords {
    let wanted = "a bandwidth such as \"56 kbit/s\" or \"1 Gbit/s\"";
    LineWords {
        jitter: fields.duration(jitter),
        loss: fields.share("loss").unwrap_or(0),
        reorder: fields.share("reorder").unwrap_or(0),
        per_byte: fields.parsed("bandwidth", wanted, |value| {
            picos_per_byte(text_ref(value)?)
        }),
        queue: fields.duration("queue").unwrap_or(QUEUE),
    }
}

/// The `[path.NAME.loop]` table: two routers that point at each other for a while.
fn circle(node: &Node, mistakes: &mut crate::reading::fields::Mistakes) -> Option<(u8, u64, u64)> {
    let mut fields = Fields::new("loop", node, mistakes);
    let hop = fields.byte("hop");
    let at = fields.duration("at").unwrap_or(0);
    let lasts = fields.duration("for");
    if hop.is_none() || lasts.is_none() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            "a loop needs 'hop', its first router from 1, and 'for', how long it lasts",
        );
    }
    fields.finish();
    Some((hop?, at, at + lasts?))
}

fn filter_of(node: &Node, mistakes: &mut crate::reading::fields::Mistakes) -> Filter {
    let mut fields = Fields::new("filter", node, mistakes);
    let filter = Filter {
        established_only: fields.flag("established_only"),
        denied: fields.ports("deny").into_iter().collect::<BTreeSet<u16>>(),
        allowed: fields.ports("allow").into_iter().collect::<BTreeSet<u16>>(),
        no_ping: fields.yes_or_no("ping") == Some(false),
        answers: fields.flag("answers"),
    };
    fields.finish();
    filter
}
