//! From a checked scenario to a world at its start.

use std::io::Write;

use super::world::{Event, World};
use crate::blueprint::Cast;
use crate::host::Host;
use crate::host::socket::Outbox;
use crate::net::nat::Nat;
use crate::net::path::Line;
use crate::net::pending::Pending;
use crate::net::pool::Pool;
use crate::net::segment::{Neighbours, router_mac};
use crate::net::sensor::{Place, Sensor};
use crate::net::topology::{
    Attachment, Circle, HostId, Path, SegmentId, Site, SiteId, Station, Topology,
};
use crate::scenario::Scenario;
use crate::seed::SeedTree;

impl<W: Write> World<W> {
    /// Builds the world of a scenario; each sensor for which `open` gives an output records there.
    pub fn build(
        scenario: &Scenario,
        tree: &SeedTree,
        nanos: bool,
        mut open: impl FnMut(&str) -> Option<W>,
    ) -> Self {
        let mut sensors = Vec::new();
        for config in &scenario.sensors {
            if let Some(output) = open(&config.name) {
                sensors.push(Sensor::new(
                    config.clone(),
                    output,
                    nanos,
                    scenario.start,
                    tree,
                ));
            }
        }
        let mut topology = topology(scenario, tree);
        for sensor in &sensors {
            if let Place::Segment(depth) = sensor.place() {
                let site = sensor.site();
                topology.watched.insert(SegmentId { site, depth });
            }
        }
        let mut world = World {
            clock: scenario.start,
            end: scenario.start.plus_nanos(scenario.duration),
            queue: Pending::default(),
            hosts: scenario
                .hosts
                .iter()
                .map(|spec| Host::new(spec.config.clone(), scenario.start, tree))
                .collect(),
            topology,
            neighbours: Neighbours::default(),
            advertisers: std::collections::BTreeMap::new(),
            router_time: (!scenario.plain).then(|| tree.draws("routers/turnaround")),
            sensors,
            activities: scenario.activities.clone(),
            pool: Pool::default(),
            outbox: Outbox::default(),
        };
        for run in &scenario.runs {
            let cast = Cast {
                path: run.path.clone(),
                activity: run.activity,
                targets: run.targets.clone(),
                twins: std::sync::Arc::clone(&run.twins),
                duration: scenario.duration.saturating_sub(run.at),
                tree,
            };
            let program = run.blueprint.build(&cast);
            let ports = run.blueprint.listens_on();
            if let Some(host) = world.hosts.get_mut(run.host) {
                let program = host.install(program, &ports, run.blueprint.buffer());
                let start = Event::Start(HostId(run.host), program);
                world.queue.push(scenario.start.plus_nanos(run.at), start);
            }
        }
        if !scenario.plain {
            world.advertise_from_start(tree);
        }
        world
    }
}

fn topology(scenario: &Scenario, tree: &SeedTree) -> Topology {
    let sites = scenario.sites.iter().map(|spec| Site {
        name: spec.name.clone(),
        prefixes: spec.prefixes.clone(),
        absent: spec.absent,
        filter: spec.filter.clone(),
        router: spec.router,
        gateway: spec.gateway,
        inner_routers: spec.inner_routers.clone(),
        directed_broadcast: spec.directed_broadcast,
        nat: spec.nat.map(Nat::new),
    });
    let paths = scenario.paths.iter().map(|spec| Path {
        ends: spec.ends,
        hops: spec.hops,
        routers: spec.routers.clone(),
        mtu: spec.mtu,
        silent_mtu: spec.silent_mtu,
        circle: spec.circle.map(|(hop, from, until)| Circle {
            hop,
            during: (
                scenario.start.plus_nanos(from),
                scenario.start.plus_nanos(until),
            ),
        }),
        forwards_expired: spec.forwards_expired,
        there: Line::new(
            &format!("path/{}/there", spec.name),
            spec.line.clone(),
            tree,
        ),
        back: Line::new(&format!("path/{}/back", spec.name), spec.line.clone(), tree),
    });
    let attachments = scenario.hosts.iter().map(|spec| Attachment {
        site: spec.site,
        hops: spec.hops,
        mac: spec.config.mac,
        mtu: spec.config.mtu,
        out: Line::new(
            &format!("host/{}/access/out", spec.config.name),
            spec.access.clone(),
            tree,
        ),
        into: Line::new(
            &format!("host/{}/access/in", spec.config.name),
            spec.access.clone(),
            tree,
        ),
    });
    let hosts = scenario.hosts.iter().enumerate();
    let hosts =
        hosts.flat_map(|(n, spec)| spec.config.addresses.iter().map(move |a| (*a, HostId(n))));
    let mut topology = Topology::new(
        sites.collect(),
        paths.collect(),
        attachments.collect(),
        hosts,
    );
    topology.routers = routers(scenario, tree);
    topology
}

/// The routers of each site's segments: one towards the border, one towards the next segment inside.
fn routers(
    scenario: &Scenario,
    tree: &SeedTree,
) -> std::collections::BTreeMap<(SegmentId, Station), wire::MacAddress> {
    let mut routers = std::collections::BTreeMap::new();
    for (n, site) in scenario.sites.iter().enumerate() {
        let inside = scenario.hosts.iter().filter(|host| host.site == SiteId(n));
        let deepest = inside.map(|host| host.hops).max().unwrap_or(0);
        for depth in 0..=deepest {
            let segment = SegmentId {
                site: SiteId(n),
                depth,
            };
            let mut draws = tree.draws(&format!("site/{}/router/{depth}/mac", site.name));
            for station in [Station::Outer, Station::Inner] {
                routers.insert((segment, station), router_mac(&mut draws));
            }
        }
    }
    routers
}
