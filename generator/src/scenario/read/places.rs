//! Sites, paths and sensors.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Reader;
use crate::net::filter::Filter;
use crate::net::path::{LineConfig, QUEUE, picos_per_byte};
use crate::net::topology::AbsentPolicy;
use crate::reading::document::Node;
use crate::reading::fields::{Fields, list, text_ref};
use crate::scenario::{PathSpec, SiteSpec};

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
        let filter = fields.node("filter");
        let filter = filter
            .map(|node| filter_of(node, fields.mistakes()))
            .unwrap_or_default();
        fields.finish();
        // The first address of the first block, unless said otherwise.
        let first = prefixes.first().and_then(|prefix| prefix.hosts().next());
        let Some(router) = router.or(first) else {
            return;
        };
        self.sites.push(SiteSpec {
            name: name.to_owned(),
            prefixes,
            absent,
            filter,
            router,
            directed_broadcast,
        });
    }

    pub(super) fn path(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("path.{name}"), node, self.mistakes);
        let between = fields.texts("between");
        let hops = fields.byte("hops").unwrap_or(12);
        let mtu = fields.number("mtu", 68..=65535).unwrap_or(1500);
        let silent_mtu = fields.flag("silent_mtu");
        let forwards_expired = fields.flag("forwards_expired");
        let routers = fields
            .parsed("routers", "a list of addresses", |value| {
                list(value, |item| text_ref(item)?.parse::<IpAddr>().ok())
            })
            .unwrap_or_default();
        let delay = fields.duration("delay").unwrap_or(0);
        let line = line(&mut fields, delay, "jitter");
        fields.finish();
        let [first, second] = between.as_slice() else {
            self.mistakes.note(
                &node.origin,
                format!("path.{name} joins two sites: between = [\"a\", \"b\"]"),
            );
            return;
        };
        let ends = (self.site_named(node, first), self.site_named(node, second));
        self.paths.push(PathSpec {
            name: name.to_owned(),
            ends,
            hops,
            routers,
            mtu: usize::try_from(mtu).unwrap_or(1500),
            silent_mtu,
            forwards_expired,
            line,
        });
    }
}

/// The keys of a line with that delay: jitter under the given name, and loss, reorder, bandwidth.
pub(super) fn line(fields: &mut Fields<'_, '_>, delay: u64, jitter: &'static str) -> LineConfig {
    let wanted = "a bandwidth such as \"56 kbit/s\" or \"1 Gbit/s\"";
    LineConfig {
        delay,
        jitter: fields.duration(jitter).unwrap_or(0),
        loss: fields.share("loss").unwrap_or(0),
        reorder: fields.share("reorder").unwrap_or(0),
        per_byte: fields
            .parsed("bandwidth", wanted, |value| {
                picos_per_byte(text_ref(value)?)
            })
            .unwrap_or(0),
        queue: fields.duration("queue").unwrap_or(QUEUE),
    }
}

fn filter_of(node: &Node, mistakes: &mut crate::reading::fields::Mistakes) -> Filter {
    let mut fields = Fields::new("filter", node, mistakes);
    let filter = Filter {
        established_only: fields.flag("established_only"),
        denied: fields.ports("deny").into_iter().collect::<BTreeSet<u16>>(),
        allowed: fields.ports("allow").into_iter().collect::<BTreeSet<u16>>(),
        answers: fields.flag("answers"),
    };
    fields.finish();
    filter
}
