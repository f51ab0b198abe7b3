//! What leads out of a lab is refused, and ends a run when it appears in the middle: counted at the uplink.

use super::bench::{Bench, code, said};
use super::uplink::{CHATTER, RATE, Uplink};
use crate::namespaces::ip;
use crate::tools::has;

const FORWARD: &str = "echo 1 > /proc/sys/net/ipv4/ip_forward";
const HALVES: &str = "ip route add 0.0.0.0/1 via 203.0.113.2 dev uplink; \
    ip route add 128.0.0.0/1 via 203.0.113.2 dev uplink";
const TUNNEL: &str = "ip link add tunnel0 type vxlan id 7 remote 203.0.113.2 dstport 4789 dev uplink; \
    ip link add bridge0 multicast off type bridge; ip link set tunnel0 master bridge0 up; ip link set bridge0 up";
/// A filter for everything, that sends it to the uplink.
const REDIRECT: &str = "protocol all u32 match u32 0 0 action mirred egress redirect dev uplink";

#[test]
fn routes_that_cover_more_than_a_lab_are_ways_out() {
    for (prepare, route) in [
        (HALVES, "the default route leads through uplink"),
        (
            "echo 0 > /proc/sys/net/ipv6/conf/uplink/disable_ipv6; ip -6 route add 2000::/3 dev uplink",
            "2000::/3",
        ),
        (
            "ip route add 10.0.0.0/8 via 203.0.113.2 dev uplink",
            "10.0.0.0/8",
        ),
        ("ip route add 8.8.8.0/24 dev uplink table 77", "8.8.8.0/24"),
    ] {
        let Some(uplink) = Uplink::make() else { return };
        uplink.refused("--interface uplink", prepare, &["no-way-out", route]);
    }
}

#[test]
fn a_host_that_forwards_to_an_uplink_is_a_way_out() {
    for route in [HALVES, "ip route add 10.0.0.0/8 dev uplink"] {
        let Some(uplink) = Uplink::make() else { return };
        let prepare = format!("{route}; {FORWARD}");
        let parts = ["no-way-out", "far, which forwards", "uplink"];
        uplink.refused("--interface near", &prepare, &parts);
    }
    let Some(uplink) = Uplink::make() else { return };
    let prepare = format!("ip route add 10.9.0.0/16 dev uplink; {FORWARD}");
    uplink.shell(&prepare);
    uplink
        .bench
        .replayed(&uplink.capture, "--interface near --limit 5");
}

#[test]
fn forwarding_that_is_switched_on_ends_the_run() {
    for (prepare, change) in [
        (HALVES, FORWARD),
        (HALVES, "echo 1 > /proc/sys/net/ipv4/conf/far/forwarding"),
        (
            FORWARD,
            "ip route add 10.0.0.0/8 via 203.0.113.2 dev uplink",
        ),
        (
            FORWARD,
            "ip route add default via 203.0.113.2 table 9; ip rule add from 192.0.2.0/24 table 9",
        ),
    ] {
        let Some(uplink) = Uplink::make() else { return };
        let parts = ["which forwards"];
        uplink.ends("--interface near", prepare, change, "uplink", &parts);
    }
}

#[test]
fn a_bridge_with_a_tunnel_ends_the_run() {
    let Some(uplink) = Uplink::make() else { return };
    let join = "ip link set far master bridge0";
    let parts = ["tunnel0", "vxlan"];
    uplink.ends("--interface near", TUNNEL, join, "tunnel0", &parts);
    let Some(uplink) = Uplink::make() else { return };
    let prepare = format!("{TUNNEL}; {join}");
    uplink.refused("--interface near", &prepare, &parts);
}

#[test]
fn a_macvlan_on_the_other_end_is_followed() {
    let stands = |mode: &str| {
        format!("ip link add upper link far type macvlan mode {mode}; ip link set upper up")
    };
    let Some(uplink) = Uplink::make() else { return };
    let prepare = format!(
        "{}; {HALVES}; echo 1 > /proc/sys/net/ipv4/conf/upper/forwarding",
        stands("bridge")
    );
    let parts = ["on which upper, of kind macvlan, stands"];
    uplink.refused("--interface near", &prepare, &parts);
    let Some(uplink) = Uplink::make() else { return };
    let change = format!("{}; ip link set upper master bridge0", stands("passthru"));
    uplink.ends("--interface near", TUNNEL, &change, "tunnel0", &parts);
}

#[test]
fn filters_that_send_frames_elsewhere_are_followed() {
    if !has("tc") {
        return;
    }
    for (target, at, side) in [
        ("--interface near", "far", "ingress"),
        ("--interface near", "near", "egress"),
        ("--tap tap0", "tap0", "ingress"),
    ] {
        let uplink = if at == "tap0" {
            if Bench::with_taps().is_none() {
                continue;
            }
            Uplink::make()
        } else {
            Uplink::make()
        };
        let Some(uplink) = uplink else { return };
        let queue = format!(
            "[ {at} != tap0 ] || {{ ip tuntap add tap0 mode tap; ip link set tap0 up; }}; {HALVES}; tc qdisc add dev {at} clsact"
        );
        let filter = format!("tc filter add dev {at} {side} {REDIRECT}");
        let parts = ["where a filter (tc) sends them", "uplink"];
        uplink.ends(target, &queue, &filter, "uplink", &parts);
        // The same from the start.
        uplink.refused(target, "true", &parts);
    }
}

/// A chain of nftables at an interface or a host, and a rule in it.
fn chain(family: &str, hook: &str, rule: &str) -> String {
    format!(
        "nft add table {family} t; nft 'add chain {family} t c {{ type filter hook {hook} priority 0; }}'; \
         nft add rule {family} t c {rule}"
    )
}

#[test]
fn rules_that_send_frames_elsewhere_are_followed() {
    if !has("nft") {
        return;
    }
    let hop = "ip neighbour add 203.0.113.9 lladdr 02:00:00:00:00:99 dev uplink";
    for rule in [
        chain("netdev", "ingress device far", "fwd to uplink"),
        chain("netdev", "egress device near", "dup to uplink"),
        chain("ip", "prerouting", "dup to 203.0.113.9 device uplink"),
        chain("ip", "prerouting", "dup to 203.0.113.9"),
    ] {
        let Some(uplink) = Uplink::make() else { return };
        let parts = ["nftables"];
        uplink.ends("--interface near", hop, &rule, "uplink", &parts);
        // The same from the start.
        uplink.refused("--interface near", "true", &parts);
    }
    let Some(uplink) = Uplink::make() else { return };
    let inside = chain("netdev", "ingress device far", "counter accept");
    uplink.shell(&inside);
    uplink
        .bench
        .replayed(&uplink.capture, "--interface near --limit 5");
}

#[test]
fn copies_by_iptables_are_followed() {
    let tee = "-t mangle -A PREROUTING -j TEE --gateway 203.0.113.9";
    let hop = "ip neighbour add 203.0.113.9 lladdr 02:00:00:00:00:99 dev uplink";
    for program in ["iptables-nft", "iptables-legacy"] {
        if !has(program) {
            continue;
        }
        let Some(uplink) = Uplink::make() else { return };
        let parts = ["copies to an address"];
        let rule = format!("{program} {tee}");
        uplink.ends("--interface near", hop, &rule, "uplink", &parts);
        uplink.refused("--interface near", "true", &parts);
    }
}

/// IPv6 where frames arrive and where they would leave, and a way from one to the other.
const SIX: &str = "for name in far uplink; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; \
    echo 0 > /proc/sys/net/ipv6/conf/$name/accept_dad; done; \
    ip -6 address add 2001:db8:1::1/64 dev far nodad; ip -6 address add 2001:db8:2::1/64 dev uplink nodad";

#[test]
fn forwarding_has_more_switches_than_one() {
    let way = "ip -6 route add default via 2001:db8:2::2 dev uplink";
    let all = "cd /proc/sys/net/ipv6/conf; echo 1 > all/forwarding; echo 0 > far/forwarding";
    let forced =
        "cd /proc/sys/net/ipv6/conf/far; [ ! -e force_forwarding ] || echo 1 > force_forwarding";
    for switch in [all, forced] {
        let Some(uplink) = Uplink::make() else { return };
        let there = "[ -e /proc/sys/net/ipv6/conf/far/force_forwarding ] && echo yes";
        let there = uplink.bench.command(&["sh", "-c", there]).output().unwrap();
        if switch == forced && there.stdout.is_empty() {
            println!("SKIPPED: this kernel has no force_forwarding");
            continue;
        }
        let prepare = format!("{SIX}; {way}");
        let parts = ["far, which forwards"];
        uplink.ends("--interface near", &prepare, switch, "uplink", &parts);
        uplink.refused("--interface near", "true", &parts);
    }
}

#[test]
fn segments_of_routes_need_no_forwarding() {
    let Some(uplink) = Uplink::make() else { return };
    uplink.shell(SIX);
    let route = "-6 route add 2001:db8:1::d2/128 encap seg6local action End.DX2 oif uplink dev far";
    let lab = uplink.bench.namespaces.name("lab");
    let words = ["-n", &lab].into_iter().chain(route.split(' '));
    if !ip(&words.collect::<Vec<_>>()).status.success() {
        println!("SKIPPED: this kernel has no segment routing");
        return;
    }
    uplink.refused("--interface near", "true", &["no-way-out", "SRv6"]);
}

#[test]
fn a_machine_that_would_answer_through_an_uplink_is_not_asked() {
    let Some(uplink) = Uplink::make() else { return };
    let asked = uplink.bench.capture(
        "asked.pcap",
        [[198, 51, 100, 7], [192, 0, 2, 254]],
        1500,
        1_000,
    );
    let options = "--interface near --destination-mac 02:00:00:00:00:0f";
    uplink.bench.replayed(
        &asked,
        "--interface near --destination-mac 02:00:00:00:00:0f --limit 5",
    );
    // The way for answers appears while frames go.
    let mut run = uplink.bench.start(&asked, options, 50);
    uplink.shell("ip route add default via 203.0.113.2");
    let output = {
        run.wait().unwrap();
        run.wait_with_output().unwrap()
    };
    assert_eq!(code(&output), Some(1), "{}", said(&output));
    assert!(said(&output).contains("answers them"), "{}", said(&output));
    let parts = ["no-way-out", "192.0.2.254", "would answer", "default route"];
    uplink.bench.refused(&asked, options, &parts);
    uplink.bench.replayed(&asked, "--interface near --limit 5");
}

#[test]
fn what_lets_a_machine_answer_for_others_ends_the_run() {
    let before_routing = |kind: &str, rule: &str| {
        format!(
            "nft add table ip t; nft 'add chain ip t c {{ type {kind} hook prerouting priority -100; }}'; \
             nft add rule ip t c {rule}"
        )
    };
    let mut changes = vec![
        "ip address add 10.9.9.9/32 dev lo".to_owned(),
        "ip route add local 10.9.0.0/16 dev lo".to_owned(),
    ];
    if has("nft") {
        changes.push(before_routing("nat", "meta l4proto udp redirect to :9"));
        changes.push(before_routing(
            "filter",
            "reject with icmp admin-prohibited",
        ));
    }
    if has("iptables-legacy") {
        changes.push("iptables-legacy -t nat -A PREROUTING -p udp -j REDIRECT".to_owned());
    }
    for change in changes {
        let Some(mut uplink) = Uplink::make() else {
            return;
        };
        let foreign = [[198, 51, 100, 7], [10, 9, 9, 9]];
        let gap = 1_000_000 / RATE;
        uplink.capture = uplink
            .bench
            .capture("foreign.pcap", foreign, 20 * RATE, gap);
        let prepare = "ip route add default via 203.0.113.2";
        let parts = ["whose host answers them"];
        uplink.ends("--interface near", prepare, &change, "uplink", &parts);
        // The same from the start.
        let parts = ["no-way-out", "frame 1 is for 10.9.9.9"];
        uplink.refused("--interface near", "true", &parts);
    }
}

#[test]
fn a_machine_that_answers_pings_of_groups_is_not_asked() {
    let Some(mut uplink) = Uplink::make() else {
        return;
    };
    let group = [[198, 51, 100, 7], [224, 0, 0, 1]];
    uplink.capture = uplink.bench.capture("group.pcap", group, 5, 1_000);
    uplink.shell("ip route add default via 203.0.113.2");
    let options = "--interface near --destination-mac 02:00:00:00:00:0f";
    uplink.bench.replayed(&uplink.capture, options);
    let answer = "echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts";
    let parts = ["no-way-out", "224.0.0.1"];
    uplink.refused("--interface near", answer, &parts);
}

#[test]
fn an_end_that_is_moved_out_of_sight_ends_the_run() {
    let Some(uplink) = Uplink::make() else { return };
    let outside = uplink.bench.namespaces.name("outside");
    let change = format!("ip link set far netns {outside}");
    let parts = ["the other end of near has been moved"];
    uplink.ends("--interface near", "true", &change, "uplink", &parts);
}

#[test]
fn a_lab_that_changes_within_itself_goes_on() {
    let Some(uplink) = Uplink::make() else { return };
    let mut run = uplink.bench.start(
        &uplink.capture,
        "--interface near --limit 1500 --destination-mac 02:00:00:00:00:0f",
        50,
    );
    for change in [
        "ip address add 192.0.2.77/24 dev far",
        "ip route add 198.51.100.0/24 dev far",
        "ip link add inner type veth peer name inner2",
        "ip link set inner up",
        "ip link set far mtu 1400",
    ] {
        uplink.shell(change);
    }
    let status = run.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(uplink.left_through("uplink") <= CHATTER);
}
