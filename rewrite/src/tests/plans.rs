//! Plans that are refused, and where addresses and networks go from pass to pass.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::*;
use crate::{PortMap, Vlan};

fn refusal(plan: Rewrite) -> String {
    Rewriter::new(plan).unwrap_err().to_string()
}

#[test]
fn an_impossible_map_is_refused_with_its_reason() {
    for (text, reason) in [
        (
            "192.0.2.0/24",
            "'192.0.2.0/24' is no address map: write PREFIX=PREFIX, such as 192.0.2.0/24=10.1.0.0/16",
        ),
        (
            "192.0.2.0/33=10.0.0.0/8",
            "'192.0.2.0/33=10.0.0.0/8' is no address map: write PREFIX=PREFIX, such as 192.0.2.0/24=10.1.0.0/16",
        ),
        (
            "192.0.2.7/24=10.0.0.0/8",
            "192.0.2.7/24 has bits set behind its length: write 192.0.2.0/24",
        ),
        (
            "192.0.2.0/24=2001:db8::/32",
            "the map 192.0.2.0/24=2001:db8::/32 leads from one family of addresses to the other: map IPv4 to IPv4, IPv6 to IPv6",
        ),
        (
            "192.0.2.0/24=10.0.0.0/25",
            "the map 192.0.2.0/24=10.0.0.0/25 has not room for all addresses of 192.0.2.0/24: its target must be a /24 or larger",
        ),
    ] {
        let error = text.parse::<AddressMap>().unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
    let map = AddressMap {
        from: "10.0.0.0/8".parse().unwrap(),
        to: "10.0.0.0/9".parse().unwrap(),
    };
    let plan = Rewrite {
        addresses: vec![map],
        ..Rewrite::default()
    };
    assert!(refusal(plan).contains("must be a /8 or larger"));
}

#[test]
fn maps_are_printed_as_they_are_written() {
    for text in ["192.0.2.0/24=10.1.0.0/16", "2001:db8::/32=fc00::/7"] {
        assert_eq!(text.parse::<AddressMap>().unwrap().to_string(), text);
    }
    for text in ["80=8080", "1000-1999=3000-3999"] {
        assert_eq!(text.parse::<PortMap>().unwrap().to_string(), text);
    }
    assert_eq!(
        "192.0.2.1=10.0.0.0/8"
            .parse::<AddressMap>()
            .unwrap()
            .to_string(),
        "192.0.2.1/32=10.0.0.0/8"
    );
}

#[test]
fn unequal_port_ranges_are_refused() {
    for text in ["1-2=3", "2-1=4-3", "1-3=1-2"] {
        let error = text.parse::<PortMap>().unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("must lead from one range to another of the same size")
        );
    }
    for text in ["80", "80=", "x=1", "1=65536", "-1=1"] {
        assert!(
            matches!(text.parse::<PortMap>(), Err(RewriteError::PortMapSyntax(_))),
            "{text}"
        );
    }
}

#[test]
fn fields_beyond_their_range_are_refused() {
    let vlan = |vlan| Rewrite {
        vlan: Vlan::Set(vlan),
        ..Rewrite::default()
    };
    assert!(Rewriter::new(vlan(4094)).is_ok());
    assert_eq!(
        refusal(vlan(4095)),
        "4095 is no VLAN identifier: write a number from 0 to 4094"
    );
    let mtu = |mtu| Rewrite {
        mtu,
        ..Rewrite::default()
    };
    assert!(Rewriter::new(mtu(68)).is_ok());
    assert_eq!(
        refusal(mtu(67)),
        "an MTU of 67 bytes is below the 68 of RFC 791: write 68 or more"
    );
}

fn unique(texts: &[&str], passes: u32) -> Rewrite {
    Rewrite {
        unique: true,
        passes,
        ..mapping(texts)
    }
}

#[test]
fn passes_without_room_are_refused_with_what_would_do() {
    let map = "192.0.2.0/24=10.1.0.0/22";
    assert!(Rewriter::new(unique(&[map], 4)).is_ok());
    assert_eq!(
        refusal(unique(&[map], 5)),
        "the map 192.0.2.0/24=10.1.0.0/22 has not room for 5 passes with addresses of their own: its target must be a /21 or larger"
    );
    assert!(refusal(unique(&["0.0.0.0/1=0.0.0.0/0"], 3)).contains("no prefix is that large"));
    assert!(Rewriter::new(unique(&["0.0.0.0/1=0.0.0.0/0"], 2)).is_ok());
    assert!(Rewriter::new(unique(&["::/0=::/0"], 1)).is_ok());
    assert!(refusal(unique(&[], 0)).contains("say how many"));
}

#[test]
fn a_mapped_address_uses_the_next_block_in_the_next_pass() {
    let rewriter = Rewriter::new(unique(
        &["192.0.2.0/24=10.1.0.0/22", "2001:db8:1::/64=fd00::/60"],
        4,
    ))
    .unwrap();
    let to = |address: &str, pass| {
        rewriter
            .map_address(address.parse().unwrap(), pass)
            .to_string()
    };
    assert_eq!(
        [0, 1, 2, 3].map(|pass| to("192.0.2.7", pass)),
        ["10.1.0.7", "10.1.1.7", "10.1.2.7", "10.1.3.7"]
    );
    assert_eq!(to("2001:db8:1::9", 3), "fd00:0:0:3::9");
    assert_eq!(
        to("192.0.2.7", 4),
        "10.1.0.7",
        "beyond the plan it begins anew"
    );
}

#[test]
fn an_uncovered_address_moves_within_its_block() {
    let rewriter = Rewriter::new(unique(&[], 4)).unwrap();
    let to = |address: &str, pass| {
        rewriter
            .map_address(address.parse().unwrap(), pass)
            .to_string()
    };
    assert_eq!(
        [0, 1, 2, 3].map(|pass| to("192.0.2.200", pass)),
        ["192.0.2.200", "192.0.2.8", "192.0.2.72", "192.0.2.136"]
    );
    assert_eq!(to("10.0.0.1", 1), "10.64.0.1");
    assert_eq!(to("2001:db8::1", 3), "2001:db8:c000::1");
    for fixed in [
        "8.8.8.8",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "fe80::1",
        "ff02::1",
        "169.254.0.1",
    ] {
        assert_eq!(to(fixed, 1), fixed);
    }
}

#[test]
fn no_two_addresses_become_one_within_a_pass() {
    for passes in [1, 2, 3, 7, 100, 1000] {
        let rewriter = Rewriter::new(unique(&[], passes)).unwrap();
        for pass in [0, 1, passes - 1] {
            for block in ["192.0.2.0/24", "198.18.0.0/15"] {
                let block: ipnet::Ipv4Net = block.parse().unwrap();
                let first = u32::from(block.network());
                let images: BTreeSet<_> = (first..=u32::from(block.broadcast()))
                    .map(|number| {
                        rewriter.map_address(std::net::Ipv4Addr::from(number).into(), pass)
                    })
                    .collect();
                assert_eq!(
                    images.len(),
                    1 << (32 - block.prefix_len()),
                    "{block} {pass}/{passes}"
                );
                assert!(images.iter().all(|image| IpNet::V4(block).contains(image)));
            }
        }
    }
}

#[test]
fn frames_quotes_and_the_truth_move_alike() {
    let plan = unique(&["192.0.2.0/24=10.1.0.0/16"], 8);
    let mut rewriter = Rewriter::new(plan).unwrap();
    let bytes = frame("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 \"x\"");
    for pass in 0..8 {
        let from = rewriter.map_address([192, 0, 2, 1].into(), pass);
        let to = rewriter.map_address([198, 51, 100, 2].into(), pass);
        let frames = rewriter.rewrite(&whole(&bytes), pass).unwrap().frames();
        assert_eq!(
            frames.map(said).collect::<Vec<_>>(),
            [format!("{from}.1 > {to}.2: udp ttl 64 \"x\"")]
        );
    }
}

fn networks(rewriter: &Rewriter, network: &str, pass: u32) -> Vec<String> {
    let mapped = rewriter.map_network(network.parse().unwrap(), pass);
    mapped.iter().map(ToString::to_string).collect()
}

#[test]
fn networks_go_where_their_addresses_go() {
    let rewriter = Rewriter::new(mapping(&[
        "192.0.2.128/25=10.0.0.0/24",
        "192.0.0.0/16=172.16.0.0/16",
    ]))
    .unwrap();
    assert_eq!(networks(&rewriter, "192.0.2.128/26", 0), ["10.0.0.0/26"]);
    assert_eq!(
        networks(&rewriter, "192.0.2.0/24", 0),
        ["10.0.0.0/25", "172.16.2.0/25"]
    );
    assert_eq!(networks(&rewriter, "192.0.2.200/32", 0), ["10.0.0.72/32"]);
    assert_eq!(networks(&rewriter, "203.0.113.0/24", 0), ["203.0.113.0/24"]);
    assert_eq!(networks(&rewriter, "2001:db8::/32", 0), ["2001:db8::/32"]);
    assert_eq!(networks(&rewriter, "224.0.0.0/4", 0), ["224.0.0.0/4"]);
    let rewriter = Rewriter::new(unique(&["192.0.2.0/24=10.1.0.0/16"], 3)).unwrap();
    assert_eq!(networks(&rewriter, "192.0.2.0/24", 2), ["10.1.2.0/24"]);
    assert_eq!(
        networks(&rewriter, "198.51.100.0/26", 1),
        ["198.51.100.64/26"]
    );
    assert_eq!(
        networks(&rewriter, "198.51.100.0/25", 1),
        ["198.51.100.64/26", "198.51.100.128/26"]
    );
    assert_eq!(
        networks(&rewriter, "198.51.100.128/25", 2),
        ["198.51.100.0/25"]
    );
    assert_eq!(
        networks(&rewriter, "198.51.100.128/25", 1),
        ["198.51.100.0/26", "198.51.100.192/26"]
    );
    assert_eq!(networks(&rewriter, "10.0.0.0/8", 1), ["10.0.0.0/8"]);
}
