//! Sensors: where they stand, what stands around packets there, and what is wrong with them.

use std::net::Ipv4Addr;

use wire::envelope::{Medium, Tunnel, TunnelKind};
use wire::{Envelope, Framing, ethernet};

use super::reader::{Reader, Unstated};
use crate::net::segment::router_mac;
use crate::net::sensor::fault::Faults;
use crate::net::sensor::{Place, SensorConfig};
use crate::net::topology::{Direction, SiteId};
use crate::reading::document::{Node, Value};
use crate::reading::fields::{Fields, Mistakes, text_ref};
use crate::reading::units;
use crate::seed::{Draws, SeedTree};

impl Reader<'_> {
    pub(super) fn sensor(&mut self, name: &str, node: &Node) {
        let mut fields = Fields::new(format!("sensor.{name}"), node, self.mistakes);
        let path = fields.text("path");
        let hop = fields.byte("hop").unwrap_or(1);
        let site = if path.is_some() {
            fields.text("site")
        } else {
            fields.required_text("site")
        };
        let place = fields.parsed(
            "at",
            "\"border\", \"segment\", or \"segment N\" with the routers between it and the border",
            |value| place(text_ref(value)?),
        );
        let drawn = self.unstated == Unstated::Drawn;
        let duration = self.duration;
        let envelope = envelope(&mut fields, name, drawn, &self.tree);
        let resolution = fields.duration("resolution").unwrap_or(1_000);
        let phase = fields.duration("phase").unwrap_or(0);
        let faults = fields
            .node("fault")
            .map(|node| faults(node, duration, fields.mistakes()))
            .unwrap_or_default();
        fields.finish();
        let site = site.map_or(SiteId(0), |site| self.site_named(node, &site));
        let on_path = path.as_deref().and_then(|name| self.path_named(node, name));
        // What passes a path towards its second end comes in: that is whose border it is seen for.
        let site = match on_path.and_then(|index| self.paths.get(index)) {
            Some(path) => path.ends.1,
            None => site,
        };
        let on_path = on_path.map(|index| Place::Path(index, hop));
        let default = on_path.unwrap_or_else(|| self.usual_place(site));
        let place = place.filter(|_| on_path.is_none()).unwrap_or(default);
        self.check_place(name, node, site, place);
        self.sensors.push(SensorConfig {
            name: name.to_owned(),
            site,
            place,
            envelope,
            resolution,
            phase,
            faults,
            // A port of 1 Gbit/s, as most that mirror are.
            per_byte: if drawn { 8_000 } else { 0 },
        });
    }
}

impl Reader<'_> {
    /// The path of that name; a mistake where there is none.
    fn path_named(&mut self, node: &Node, name: &str) -> Option<usize> {
        let found = self.paths.iter().position(|path| path.name == name);
        if found.is_none() {
            let known: Vec<&str> = self.paths.iter().map(|path| path.name.as_str()).collect();
            let message = format!(
                "no path is called '{name}'; there are: {}",
                known.join(", ")
            );
            self.mistakes.note(&node.origin, message);
        }
        found
    }

    /// Where sensors of a site stand unless the file says otherwise: one from which no way leads has no border.
    pub(super) fn usual_place(&self, site: SiteId) -> Place {
        let joined = |path: &crate::scenario::PathSpec| path.ends.0 == site || path.ends.1 == site;
        if self.paths.iter().any(joined) {
            Place::Border
        } else {
            Place::Segment(0)
        }
    }
}

/// Where a sensor stands: `border`, `segment`, `segment 2`.
pub(super) fn place(text: &str) -> Option<Place> {
    match text.split_once(' ') {
        None if text == "border" => Some(Place::Border),
        None if text == "segment" => Some(Place::Segment(0)),
        Some(("segment", depth)) => depth.trim().parse().ok().map(Place::Segment),
        _ => None,
    }
}

/// Why what stands around a frame and another medium do not go together.
const NO_FRAMES: &str = "a medium other than Ethernet shows packets without their frames: leave out 'framing', tags, 'pppoe', 'mpls' \
                         and 'tunnel', or 'medium'";
/// Why what stands around a frame and a tunnel of packets do not.
const BARE: &str = "this tunnel carries IP packets alone: take \"gre-ethernet\", or leave out 'framing', tags, 'pppoe' and 'mpls'";

/// A tunnel between two ends that are drawn.
fn between(kind: TunnelKind, draws: &mut Draws) -> Tunnel {
    let mut end = || {
        let host = u8::try_from(draws.range(1..=254)).unwrap_or(1);
        (Ipv4Addr::new(10, 255, 255, host), router_mac(draws))
    };
    Tunnel {
        kind,
        from: end(),
        to: end(),
    }
}

fn envelope(fields: &mut Fields<'_, '_>, name: &str, drawn: bool, tree: &SeedTree) -> Envelope {
    let framing = [
        ("ethernet", Framing::EthernetII),
        ("llc-snap", Framing::LlcSnap),
    ];
    let framing = fields.choice("framing", &framing).unwrap_or_default();
    let tag = fields
        .number("vlan", 1..=4094)
        .and_then(|vlan| u16::try_from(vlan).ok());
    let service = fields
        .number("service_vlan", 1..=4094)
        .and_then(|vlan| u16::try_from(vlan).ok());
    let session = fields
        .number("pppoe", 1..=65534)
        .and_then(|id| u16::try_from(id).ok());
    let label = fields
        .number("mpls", 16..=1_048_575)
        .and_then(|label| u32::try_from(label).ok());
    let media = [
        ("ethernet", Medium::Ethernet),
        ("cooked", Medium::Cooked),
        ("cooked-2", Medium::Cooked2),
        ("raw", Medium::Raw),
    ];
    let medium = fields.choice("medium", &media).unwrap_or_default();
    let kind = fields.parsed(
        "tunnel",
        "\"gre\", \"gre-ethernet\", \"ipip\", \"vxlan N\", \"geneve N\", \"erspan-1\", \"erspan-2 N\" or \"erspan-3 N\"",
        |value| tunnel(text_ref(value)?),
    );
    // On the wire every frame has its least length.
    let padded = fields.yes_or_no("padded");
    let tagged = tag.is_some() || service.is_some() || framing != Framing::EthernetII;
    let around = tagged || session.is_some() || label.is_some();
    let bare = matches!(kind, Some(TunnelKind::Gre | TunnelKind::IpIp));
    let clash = if medium != Medium::Ethernet && (around || kind.is_some()) {
        Some(NO_FRAMES)
    } else if bare && around {
        Some(BARE)
    } else if session.is_some() && label.is_some() {
        Some("a packet is in a PPPoE session or has an MPLS label: leave out one of them")
    } else {
        None
    };
    if let Some(clash) = clash {
        let origin = fields.origin().clone();
        fields.mistake(&origin, format!("sensor.{name}: {clash}"));
    }
    Envelope {
        medium,
        framing,
        tags: service
            .map(|tag| (ethernet::SERVICE_VLAN, tag))
            .into_iter()
            .chain(tag.map(|tag| (ethernet::VLAN, tag)))
            .collect(),
        session,
        label,
        tunnel: kind.map(|kind| between(kind, &mut tree.draws(&format!("sensor/{name}/tunnel")))),
        padded: padded.unwrap_or(drawn),
    }
}

fn tunnel(text: &str) -> Option<TunnelKind> {
    let (kind, number) = text.split_once(' ').unwrap_or((text, "1"));
    let number: u32 = number.trim().parse().ok().filter(|n| *n < 1 << 24)?;
    let session = u16::try_from(number).ok().filter(|n| *n < 1 << 10);
    Some(match kind {
        "gre" => TunnelKind::Gre,
        "gre-ethernet" => TunnelKind::GreEthernet,
        "ipip" => TunnelKind::IpIp,
        "vxlan" => TunnelKind::Vxlan(number),
        "geneve" => TunnelKind::Geneve(number),
        "erspan-1" => TunnelKind::Erspan1,
        "erspan-2" => TunnelKind::Erspan2(session?),
        "erspan-3" => TunnelKind::Erspan3(session?),
        _ => return None,
    })
}

/// The `[sensor.NAME.fault]` table of a scenario that lasts so many nanoseconds.
fn faults(node: &Node, duration: u64, mistakes: &mut Mistakes) -> Faults {
    let mut fields = Fields::new("fault", node, mistakes);
    let directions = [("in", Direction::Inward), ("out", Direction::Outward)];
    let number = |value: Option<u64>, default: u32| {
        value.and_then(|n| u32::try_from(n).ok()).unwrap_or(default)
    };
    let faults = Faults {
        loss: fields.share("loss").unwrap_or(0),
        burst: number(fields.number("burst", 1..=10_000), 1),
        copies: fields.share("copies").unwrap_or(0),
        only: fields.choice("only", &directions),
        snap: fields
            .number("snap", 14..=262_144)
            .and_then(|bytes| usize::try_from(bytes).ok()),
        sample: number(fields.number("sample", 1..=1_000_000), 1),
        merge: fields.flag("merge"),
        ends_with_close: fields.choice("ends", &[("close", true)]).unwrap_or(false),
        late: fields.duration("late").unwrap_or(0),
        skew: fields
            .parsed("skew", "parts per million, such as \"-50 ppm\"", skew)
            .unwrap_or(0),
        step: fields.parsed(
            "step",
            "by how much and when the clock jumps, such as \"-2s at 30s\"",
            |value| step(text_ref(value)?),
        ),
    };
    let nothing = [
        (
            "loss",
            faults.loss >= 1_000_000,
            "no frame is left: lose less",
        ),
        (
            "late",
            faults.late > duration,
            "the scenario is over by then: begin earlier",
        ),
    ];
    for (key, wrong, why) in nothing {
        if let Some(stated) = node.get(key).filter(|_| wrong) {
            let message = format!("fault: {key} = {}: {why}", stated.to_line());
            fields.mistake(&stated.origin, message);
        }
    }
    fields.finish();
    faults
}

fn skew(value: &Value) -> Option<i64> {
    let number: i64 = text_ref(value)?.strip_suffix("ppm")?.trim().parse().ok()?;
    (-100_000..=100_000).contains(&number).then_some(number)
}

/// When a clock steps, and by how much, in nanoseconds.
fn step(text: &str) -> Option<(u64, i64)> {
    let (by, when) = text.split_once(" at ")?;
    let (size, back) = match by.trim().strip_prefix('-') {
        Some(size) => (size, true),
        None => (by.trim(), false),
    };
    let size = i64::try_from(units::duration(size)?).ok()?;
    Some((
        units::duration(when.trim())?,
        if back { -size } else { size },
    ))
}
