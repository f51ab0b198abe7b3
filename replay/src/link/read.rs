//! An interface, from a message of rtnetlink.

use netlink_packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, InfoData, InfoHsr, InfoKind, LinkAttribute, LinkFlags,
    LinkInfo, LinkLayerType, LinkMessage, LinkXdp, Stats64, XdpAttached,
};
use wire::MacAddress;

use super::{Counters, Interface, Kind};

/// An interface, from what the kernel says of it.
pub fn read_link(message: &LinkMessage) -> Interface {
    let header = &message.header;
    let mut interface = Interface {
        index: header.index,
        name: String::new(),
        kind: Kind::Physical,
        ethernet: matches!(
            header.link_layer_type,
            LinkLayerType::Ether | LinkLayerType::Loopback
        ),
        up: header.flags.contains(LinkFlags::Up),
        mac: None,
        mtu: 0,
        controller: None,
        ports: Vec::new(),
        peer: None,
        forwards: false,
        lower: None,
        program: false,
        counters: Counters::default(),
    };
    let (mut link, mut elsewhere) = (None, false);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Address(bytes) => {
                interface.mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddress);
            }
            LinkAttribute::Mtu(mtu) => interface.mtu = usize::try_from(*mtu).unwrap_or(usize::MAX),
            LinkAttribute::Controller(index) => interface.controller = Some(*index),
            LinkAttribute::Link(index) => link = Some(*index),
            LinkAttribute::LinkNetNsId(_) => elsewhere = true,
            LinkAttribute::LinkInfo(infos) => {
                interface.kind = kind_of(infos, interface.ethernet);
                interface.ports = ports_of(infos);
            }
            LinkAttribute::Stats64(stats) => interface.counters = counters_of(stats),
            LinkAttribute::AfSpecUnspec(families) => interface.forwards = forwards(families),
            LinkAttribute::Xdp(xdp) => interface.program = has_program(xdp),
            _ => {}
        }
    }
    if header.flags.contains(LinkFlags::Loopback) {
        interface.kind = Kind::Loopback;
    }
    // The number of another interface counts in the namespace where that is.
    if !elsewhere {
        match interface.kind {
            Kind::Veth => interface.peer = link,
            _ => interface.lower = link.filter(|lower| *lower != 0 && *lower != interface.index),
        }
    }
    interface
}

/// The ports of rings learn whose they are.
pub fn name_controllers(interfaces: &mut [Interface]) {
    let rings = interfaces.iter().filter(|one| !one.ports.is_empty());
    let rings: Vec<_> = rings.map(|one| (one.index, one.ports.clone())).collect();
    for (ring, ports) in rings {
        for port in interfaces
            .iter_mut()
            .filter(|one| ports.contains(&one.index))
        {
            port.controller.get_or_insert(ring);
        }
    }
}

fn ports_of(infos: &[LinkInfo]) -> Vec<u32> {
    let data = infos.iter().filter_map(|info| match info {
        LinkInfo::Data(InfoData::Hsr(data)) => Some(data),
        _ => None,
    });
    let ports = data.flatten().filter_map(|part| match part {
        InfoHsr::Port1(index) | InfoHsr::Port2(index) | InfoHsr::Interlink(index) => Some(*index),
        _ => None,
    });
    ports.collect()
}

fn has_program(xdp: &[LinkXdp]) -> bool {
    xdp.iter()
        .any(|part| matches!(part, LinkXdp::Attached(attached) if *attached != XdpAttached::None))
}

fn kind_of(infos: &[LinkInfo], ethernet: bool) -> Kind {
    let kind = infos.iter().find_map(|info| match info {
        LinkInfo::Kind(kind) => Some(kind),
        _ => None,
    });
    match kind {
        None => Kind::Physical,
        Some(InfoKind::Veth) => Kind::Veth,
        Some(InfoKind::Dummy) => Kind::Dummy,
        // A tun carries packets without a link header: the ways of a VPN.
        Some(InfoKind::Tun) if ethernet => Kind::Tap,
        Some(other) => Kind::Virtual(other.to_string()),
    }
}

fn counters_of(stats: &Stats64) -> Counters {
    Counters {
        received_frames: stats.rx_packets,
        received_bytes: stats.rx_bytes,
        received_dropped: stats.rx_dropped,
        sent_frames: stats.tx_packets,
        sent_bytes: stats.tx_bytes,
        sent_dropped: stats.tx_dropped,
    }
}

fn forwards(families: &[AfSpecUnspec]) -> bool {
    families.iter().any(|family| match family {
        AfSpecUnspec::Inet(settings) => settings.iter().any(
            |setting| matches!(setting, AfSpecInet::DevConf(settings) if settings.forwarding != 0),
        ),
        AfSpecUnspec::Inet6(settings) => settings.iter().any(
            |setting| matches!(setting, AfSpecInet6::DevConf(settings) if settings.forwarding != 0),
        ),
        _ => false,
    })
}
