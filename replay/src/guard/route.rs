//! Which routes a lab needs. One that covers more is a way to somewhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::link::{Network, Route, Takes};

/// Ranges of a lab: those of [`super::address`], without what no route leads through. With each, the shortest prefix that
/// a lab routes in it. Where others may have networks in the same range, that is less than all of it: who routes all of
/// 10.0.0.0/8 has a company behind it.
const LAB: [(IpAddr, u8, u8); 18] = [
    v4([10, 0, 0, 0], 8, 12),
    v4([172, 16, 0, 0], 12, 13),
    v4([192, 168, 0, 0], 16, 17),
    v4([127, 0, 0, 0], 8, 8),
    v4([169, 254, 0, 0], 16, 16),
    v4([192, 0, 2, 0], 24, 24),
    v4([198, 51, 100, 0], 24, 24),
    v4([203, 0, 113, 0], 24, 24),
    v4([198, 18, 0, 0], 15, 15),
    // Multicast: no router forwards it by such a route.
    v4([224, 0, 0, 0], 4, 4),
    v6([0x2001, 0x0db8, 0], 32, 32),
    v6([0x3fff, 0, 0], 20, 20),
    v6([0x2001, 0x0002, 0], 48, 48),
    v6([0xfc00, 0, 0], 7, 16),
    v6([0xfe80, 0, 0], 10, 10),
    v6([0xff00, 0, 0], 8, 8),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128, 128),
    v4([255, 255, 255, 255], 32, 32),
];

const fn v4([a, b, c, d]: [u8; 4], whole: u8, shortest: u8) -> (IpAddr, u8, u8) {
    (IpAddr::V4(Ipv4Addr::new(a, b, c, d)), whole, shortest)
}

const fn v6([a, b, c]: [u16; 3], whole: u8, shortest: u8) -> (IpAddr, u8, u8) {
    let address = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0);
    (IpAddr::V6(address), whole, shortest)
}

/// How packets get to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// They are sent there, whatever the routes say: what is on the link gets them. A network on the link may be a whole
    /// range, one behind a router not.
    Link,
    /// The host forwards them there, and goes by its routes.
    Forwarding,
}

/// What a route through that interface covers that no lab needs. Routes side by side count as one, so that two halves
/// are a whole.
pub(super) fn beyond_a_lab(index: u32, reach: Reach, network: &Network) -> Option<IpNet> {
    let leads =
        |route: &&Route| route.leads_through(index) && !matches!(route.takes, Takes::Multicasts(_));
    let through = network.routes.iter().filter(leads);
    let (mut on_link, mut beyond) = (Vec::new(), Vec::new());
    for route in through {
        if route.beyond || reach == Reach::Forwarding {
            beyond.push(route.destination);
        } else {
            on_link.push(route.destination);
        }
    }
    let fits = |net: &IpNet| lab(*net).is_some_and(|(_, _, shortest)| net.prefix_len() >= shortest);
    let inside = |net: &IpNet| lab(*net).is_some();
    let wide = IpNet::aggregate(&beyond).into_iter().find(|net| !fits(net));
    wide.or_else(|| {
        let all = IpNet::aggregate(&on_link);
        all.into_iter().find(|net| !inside(net))
    })
}

/// The range of a lab that a network lies in.
fn lab(net: IpNet) -> Option<(IpAddr, u8, u8)> {
    let holds = |(address, whole, _): &&(IpAddr, u8, u8)| {
        IpNet::new(*address, *whole).is_ok_and(|range| range.contains(&net))
    };
    LAB.iter().find(holds).copied()
}

/// The route for a network, in words.
pub(super) fn name(net: IpNet) -> String {
    match net.prefix_len() {
        0 => "the default route".to_owned(),
        _ => format!("a route for {net}, more than a lab's,"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Ways;

    fn network(routes: &[(&str, bool)]) -> Network {
        let route = |(net, beyond): &(&str, bool)| Route {
            destination: net.parse().unwrap(),
            takes: Takes::Usual,
            through: Ways::Known(vec![3]),
            beyond: *beyond,
        };
        Network {
            routes: routes.iter().map(route).collect(),
            ..Network::default()
        }
    }

    fn found(routes: &[(&str, bool)], reach: Reach) -> Option<String> {
        beyond_a_lab(3, reach, &network(routes)).map(|net| net.to_string())
    }

    #[test]
    fn a_default_route_is_one_in_pieces_too() {
        for pieces in [
            &["0.0.0.0/0"][..],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["2000::/3"],
            &["10.0.0.0/9", "10.128.0.0/9"],
            &["8.8.8.0/24"],
            &["100.64.0.0/10"],
            &["10.0.0.0/7"],
        ] {
            let routes: Vec<_> = pieces.iter().map(|net| (*net, true)).collect();
            assert!(found(&routes, Reach::Link).is_some(), "{pieces:?}");
            assert!(found(&routes, Reach::Forwarding).is_some(), "{pieces:?}");
        }
        assert_eq!(
            found(&[("0.0.0.0/1", true), ("128.0.0.0/1", true)], Reach::Link).as_deref(),
            Some("0.0.0.0/0")
        );
    }

    #[test]
    fn networks_of_a_lab_pass() {
        for net in "10.1.0.0/16 172.17.0.0/16 192.168.7.0/24 192.0.2.0/24 198.18.0.0/15 fd00:1:2::/48 2001:db8::/32 \
            fe80::/64 ff00::/8 224.0.0.0/4 203.0.113.9/32"
            .split_whitespace()
        {
            for beyond in [false, true] {
                assert_eq!(found(&[(net, beyond)], Reach::Link), None, "{net}");
                assert_eq!(found(&[(net, beyond)], Reach::Forwarding), None, "{net}");
            }
        }
    }

    #[test]
    fn a_whole_private_range_may_be_on_the_link_and_not_behind_it() {
        for net in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"] {
            assert_eq!(found(&[(net, false)], Reach::Link), None, "{net}");
            assert!(found(&[(net, true)], Reach::Link).is_some(), "{net}");
            assert!(found(&[(net, false)], Reach::Forwarding).is_some(), "{net}");
        }
    }

    #[test]
    fn a_next_hop_kept_elsewhere_may_be_anywhere() {
        let mut network = network(&[("0.0.0.0/0", true)]);
        network.routes[0].through = Ways::NextHop(5);
        for reach in [Reach::Link, Reach::Forwarding] {
            assert!(beyond_a_lab(9, reach, &network).is_some());
        }
    }
}
