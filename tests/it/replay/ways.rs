//! Ways out that the kernel says little or nothing of, or that stand where nobody looks first.

use std::fs;
use std::net::IpAddr;

use wire::{Ip, Ipv4, Ipv6, Link, Packet, Payload, Segment, Udp};

use super::uplink::{RATE, Uplink};

#[test]
fn what_a_bridge_carries_its_ports_carry() {
    let carried = "ip link add br0 type bridge; ip link set br0 up; ip link set uplink master br0; \
        ip route add default via 203.0.113.2 dev br0 onlink";
    let parts = ["the default route leads through br0, which uplink carries"];
    let Some(uplink) = Uplink::make() else { return };
    let change = "ip link set far master br0";
    uplink.ends("--interface near", carried, change, "uplink", &[]);
    uplink.refused("--interface near", "true", &parts);
    let Some(uplink) = Uplink::make() else { return };
    uplink.refused("--interface uplink", carried, &parts);
}

#[test]
fn routes_by_next_hops_kept_elsewhere_are_ways_out() {
    for compatible in [1, 0] {
        let Some(uplink) = Uplink::make() else { return };
        let prepare = format!(
            "echo {compatible} > /proc/sys/net/ipv4/nexthop_compat_mode; echo 1 > /proc/sys/net/ipv4/ip_forward; \
             ip nexthop add id 7 via 203.0.113.2 dev uplink"
        );
        let change = "ip route add 10.0.0.0/8 nhid 7";
        uplink.ends(
            "--interface near",
            &prepare,
            change,
            "uplink",
            &["10.0.0.0/8"],
        );
        uplink.refused("--interface near", "true", &["10.0.0.0/8"]);
    }
}

/// A multicast router, from where frames arrive to the uplink; it is gone with its process. Source: linux/mroute.h and
/// mroute6.h.
const ROUTER: &str = r#"
import socket, struct, sys, time
names = [socket.if_nametoindex(name) for name in ("far", "uplink")]
if sys.argv[1] == "4":
    router = socket.socket(socket.AF_INET, socket.SOCK_RAW, 2)
    router.setsockopt(0, 200, struct.pack("=i", 1))
    for number, index in enumerate(names):
        router.setsockopt(0, 202, struct.pack("=HBBIi4x", number, 8, 1, 0, index))
    ends = [socket.inet_aton(address) for address in ("192.0.2.1", "239.9.9.9")]
    router.setsockopt(0, 204, struct.pack("=4s4sH32s18x", *ends, 0, bytes([0, 1] + [0] * 30)))
else:
    router = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    router.setsockopt(41, 200, struct.pack("=i", 1))
    for number, index in enumerate(names):
        router.setsockopt(41, 202, struct.pack("=HBBHxxI", number, 0, 1, index, 0))
    ends = [socket.inet_pton(socket.AF_INET6, address) for address in ("2001:db8:1::5", "ff05::199")]
    ends = [struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, address, 0) for address in ends]
    router.setsockopt(41, 204, struct.pack("=28s28sHxx8I", *ends, 0, 2, 0, 0, 0, 0, 0, 0, 0))
print("done", flush=True)
time.sleep(20)
"#;

#[test]
fn a_multicast_router_that_begins_ends_the_run() {
    for (version, way) in [
        ("4", "ip route add default via 203.0.113.2 dev uplink"),
        ("6", SIX),
    ] {
        let Some(mut uplink) = Uplink::make() else {
            return;
        };
        let (script, told) = (uplink.bench.path("router.py"), uplink.bench.path("told"));
        fs::write(&script, ROUTER).unwrap();
        let frames = std::iter::repeat_with(|| multicast(version)).take(20_000);
        uplink.capture = uplink
            .bench
            .capture_of("groups.pcap", frames, 1_000_000 / RATE);
        let (script, told) = (script.display(), told.display());
        let begin = format!(
            "python3 {script} {version} > {told} 2>&1 & until grep -q . {told}; do sleep 0.01; done; grep -q done {told}"
        );
        let parts = ["multicasts a route for", "uplink"];
        uplink.ends("--interface near", way, &begin, "uplink", &parts);
    }
}

/// IPv6 where frames arrive and where they would leave, and a way beyond a lab.
const SIX: &str = "for name in far uplink; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done; \
    ip -6 address add 2001:db8:1::1/64 dev far nodad; ip -6 address add 2001:db8:2::1/64 dev uplink nodad; \
    ip -6 route add default via 2001:db8:2::2 dev uplink";

/// A datagram for a group, from a host on the link.
fn multicast(version: &str) -> Vec<u8> {
    let (source, group) = match version {
        "4" => ("192.0.2.1", "239.9.9.9"),
        _ => ("2001:db8:1::5", "ff05::199"),
    };
    let ip = match (source.parse().unwrap(), group.parse().unwrap()) {
        (IpAddr::V4(source), IpAddr::V4(group)) => Ip::V4(Ipv4::new(source, group)),
        (IpAddr::V6(source), IpAddr::V6(group)) => Ip::V6(Ipv6::new(source, group)),
        _ => unreachable!("both are of one version"),
    };
    let packet = Packet {
        ip,
        segment: Segment::Udp(Udp::new(1024, 9)),
        payload: Payload::zeros(18),
    };
    let mut bytes = Vec::new();
    packet.emit_frame(&Link::default(), &mut bytes);
    bytes
}
