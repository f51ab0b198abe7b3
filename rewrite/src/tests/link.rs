//! Hardware addresses, VLAN tags, and frames of other link types.

use wire::MacAddress;
use wire::ethernet::{LLC_SNAP, VLAN};

use super::*;
use crate::Vlan;

fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

const LINE: &str = "192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 \"x\"";

fn ethernet(to: &str, from: &str) -> Vec<u8> {
    frame(&format!("[{from} > {to}] {LINE}"))
}

#[test]
fn forced_hardware_addresses_win_over_maps() {
    let (a, b, c) = (
        "02:00:00:00:00:0a",
        "02:00:00:00:00:0b",
        "02:00:00:00:00:0c",
    );
    let maps = Rewrite {
        mac_maps: vec![(mac(a), mac(b)), (mac(b), mac(a))],
        ..Rewrite::default()
    };
    assert_eq!(one(&maps, &ethernet(a, b)), ethernet(b, a));
    let forced = Rewrite {
        source_mac: Some(mac(c)),
        ..maps
    };
    assert_eq!(one(&forced, &ethernet(a, b)), ethernet(b, c));
}

#[test]
fn a_forced_receiver_leaves_groups_alone() {
    let plan = Rewrite {
        destination_mac: Some(mac("02:00:00:00:00:0c")),
        ..Rewrite::default()
    };
    for group in [
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "33:33:00:00:00:01",
    ] {
        let bytes = ethernet(group, "02:00:00:00:00:01");
        assert_eq!(one(&plan, &bytes), bytes);
    }
    assert_eq!(
        one(&plan, &ethernet("00:00:00:00:00:00", "02:00:00:00:00:01")),
        ethernet("02:00:00:00:00:0c", "02:00:00:00:00:01")
    );
}

fn tagged(tags: &[[u8; 4]]) -> Vec<u8> {
    let mut bytes = frame(LINE);
    bytes.splice(12..12, tags.concat());
    bytes
}

#[test]
fn tags_are_removed_replaced_or_inserted() {
    let with = |vlan| Rewrite {
        vlan,
        ..Rewrite::default()
    };
    let [a, b] = VLAN.to_be_bytes();
    let tag = [a, b, 0x60, 5];
    let service = [0x88, 0xa8, 0x20, 7];
    for (vlan, before, after) in [
        (Vlan::Keep, vec![service, tag], vec![service, tag]),
        (Vlan::Remove, vec![service, tag], vec![]),
        (Vlan::Remove, vec![], vec![]),
        (Vlan::Set(0x234), vec![], vec![[a, b, 0x02, 0x34]]),
        (Vlan::Set(0x234), vec![tag], vec![[a, b, 0x62, 0x34]]),
        (
            Vlan::Set(0x234),
            vec![service, tag],
            vec![[0x88, 0xa8, 0x22, 0x34], tag],
        ),
    ] {
        assert_eq!(
            one(&with(vlan), &tagged(&before)),
            tagged(&after),
            "{vlan:?} {before:02x?}"
        );
    }
}

#[test]
fn addresses_are_mapped_behind_tags_and_llc() {
    let plan = mapping(&["192.0.2.0/24=10.1.0.0/16"]);
    for link in ["[vlan 5]", "[snap]", "[vlan 5 snap]"] {
        let before = frame(&format!("{link} {LINE}"));
        let after = frame(&format!("{link} {}", LINE.replace("192.0.2.1", "10.1.0.1")));
        assert_eq!(one(&plan, &before), after, "{link}");
    }
    let llc = |line: &str| {
        let packet = packet(line);
        let length = u8::try_from(packet.len() + 3).unwrap();
        [&[2; 12][..], &[0, length, 6, 6, 3], &packet].concat()
    };
    assert_eq!(
        one(&plan, &llc(LINE)),
        llc(&LINE.replace("192.0.2.1", "10.1.0.1"))
    );
}

#[test]
fn llc_without_ip_passes() {
    let plan = mapping(&["192.0.2.0/24=10.1.0.0/16"]);
    let spanning_tree = [&[1; 12][..], &[0, 38, 0x42, 0x42, 3], &[0; 43]].concat();
    assert_eq!(one(&plan, &spanning_tree), spanning_tree);
}

fn record(link_type: LinkType, bytes: &[u8]) -> Record<'_> {
    Record {
        link_type,
        ..whole(bytes)
    }
}

#[test]
fn other_link_types_get_an_ethernet_header() {
    let ip = packet(LINE);
    let six = packet("2001:db8::1.1 > 2001:db8::2.2: udp hlim 64 \"x\"");
    let behind = |header: &[u8]| [header, &ip].concat();
    let sll = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 8, 0];
    let sll2 = [8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0];
    let no_sender = [0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    let ours = "02:00:00:00:00:01";
    for (link_type, bytes, from) in [
        (LinkType::RAW, ip.clone(), ours),
        (LinkType::IPV4, ip.clone(), ours),
        (LinkType::NULL, behind(&[2, 0, 0, 0]), ours),
        (LinkType::NULL, behind(&[0, 0, 0, 2]), ours),
        (LinkType::LOOP, behind(&[0, 0, 0, 2]), ours),
        (LinkType::LINUX_SLL, behind(&sll), "02:00:00:00:00:09"),
        (LinkType::LINUX_SLL2, behind(&sll2), "02:00:00:00:00:09"),
        (LinkType::LINUX_SLL, behind(&no_sender), ours),
    ] {
        let frames = rewritten(&Rewrite::default(), &record(link_type, &bytes)).unwrap();
        assert_eq!(frames, [ethernet("02:00:00:00:00:02", from)], "{link_type}");
    }
    let frames = rewritten(&Rewrite::default(), &record(LinkType::RAW, &six)).unwrap();
    assert_eq!(frames[0][12..], [&[0x86, 0xdd], six.as_slice()].concat());
    let plan = Rewrite {
        source_mac: Some(mac("02:00:00:00:00:0a")),
        destination_mac: Some(mac("02:00:00:00:00:0b")),
        ..Rewrite::default()
    };
    let frames = rewritten(&plan, &record(LinkType::RAW, &ip)).unwrap();
    assert_eq!(frames, [ethernet("02:00:00:00:00:0b", "02:00:00:00:00:0a")]);
}

#[test]
fn cooked_llc_gets_a_length() {
    let body = [&LLC_SNAP[..], &[8, 0], &packet(LINE)].concat();
    let header = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 9, 0, 0, 0, 4];
    let bytes = [&header[..], &body].concat();
    let frames = rewritten(&Rewrite::default(), &record(LinkType::LINUX_SLL, &bytes)).unwrap();
    let length = u8::try_from(body.len()).unwrap();
    assert_eq!(frames[0][12..], [&[0, length], body.as_slice()].concat());
}

#[test]
fn what_has_no_ether_type_is_left_out() {
    let netlink = [0, 0, 3, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    let can = [0, 0, 1, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 2, 3, 4];
    for (link_type, bytes) in [
        (LinkType::RAW, &[0x50; 40][..]),
        (LinkType::RAW, &[]),
        (LinkType::NULL, &[7, 0, 0, 0, 0x45]),
        (LinkType::NULL, &[2, 0]),
        (LinkType::LINUX_SLL, &netlink),
        (LinkType::LINUX_SLL, &can),
        (LinkType::LINUX_SLL2, &can),
    ] {
        let found = skipped(&Rewrite::default(), &record(link_type, bytes));
        assert_eq!(found, Some(Skip::Untyped), "{link_type} {bytes:02x?}");
    }
}

#[test]
fn an_unknown_link_type_is_an_error_that_says_what_to_do() {
    let error = rewritten(&Rewrite::default(), &record(LinkType(105), &[0; 40])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "frames of link type IEEE802_11 (105) cannot be sent as Ethernet: convert the capture first, or choose one of \
         Ethernet, raw IP, BSD loopback or Linux cooked"
    );
}

#[test]
fn a_frame_without_a_whole_header_is_left_out() {
    for length in 0..14 {
        let bytes = &frame(LINE)[..length];
        assert_eq!(
            skipped(&Rewrite::default(), &whole(bytes)),
            Some(Skip::Short)
        );
        assert_eq!(
            skipped(&mapping(&["::1=::2"]), &whole(bytes)),
            Some(Skip::Short)
        );
    }
}

#[test]
fn what_is_not_changed_is_not_copied() {
    let bytes = frame(LINE);
    let mut rewriter = Rewriter::new(Rewrite::default()).unwrap();
    let first = rewriter.rewrite(&whole(&bytes), 0).unwrap().frames().next();
    assert!(first.is_some_and(|frame| std::ptr::eq(frame, bytes.as_slice())));
}
