//! Addresses, ports and the sums that cover them.

use super::*;
use crate::Checksums;

fn lab() -> Rewrite {
    mapping(&[
        "192.0.2.0/24=10.1.0.0/16",
        "198.51.100.0/24=10.2.3.0/24",
        "2001:db8:1::/48=fd00:1::/32",
    ])
}

#[test]
fn both_addresses_are_mapped_and_sums_follow() {
    for (before, after) in [
        (
            "192.0.2.57.1057 > 198.51.100.21.21: S 1 win 8192 <mss 536> ttl 128 id 7 DF",
            "10.1.0.57.1057 > 10.2.3.21.21: S 1 win 8192 <mss 536> ttl 128 id 7 DF",
        ),
        (
            "192.0.2.57.1057 > 203.0.113.1.53: udp ttl 64 \"query\"",
            "10.1.0.57.1057 > 203.0.113.1.53: udp ttl 64 \"query\"",
        ),
        (
            "2001:db8:1::7.1057 > 2001:db8:2::1.53: udp hlim 64 \"query\"",
            "fd00:1::7.1057 > 2001:db8:2::1.53: udp hlim 64 \"query\"",
        ),
        (
            "192.0.2.1 > 198.51.100.2: icmp 8/0 echo 1 2 ttl 64",
            "10.1.0.1 > 10.2.3.2: icmp 8/0 echo 1 2 ttl 64",
        ),
        (
            "2001:db8:1::7 > 2001:db8:1::9: icmp 128/0 echo 1 2 hlim 64",
            "fd00:1::7 > fd00:1::9: icmp 128/0 echo 1 2 hlim 64",
        ),
        (
            "192.0.2.1 > 198.51.100.2: proto 47 ttl 64 hex 0102",
            "10.1.0.1 > 10.2.3.2: proto 47 ttl 64 hex 0102",
        ),
    ] {
        check(&lab(), before, after);
    }
}

#[test]
fn the_first_map_wins() {
    let plan = mapping(&["192.0.2.7=10.0.0.1", "192.0.2.0/24=10.0.1.0/24"]);
    check(
        &plan,
        "192.0.2.7 > 192.0.2.8: proto 47 ttl 64",
        "10.0.0.1 > 10.0.1.8: proto 47 ttl 64",
    );
}

#[test]
fn a_wrong_sum_stays_wrong_by_as_much() {
    // The TCP sum of the first is 0x82ae: 0x82af is too much by one, before and after.
    let right = "192.0.2.1.1 > 198.51.100.2.2: S 1 win 0 ttl 64 ip-cksum 0x0001";
    let sum = |frame: &[u8]| u16::from_be_bytes([frame[50], frame[51]]);
    let before = sum(&frame(right));
    let after = sum(&one(&lab(), &frame(right)));
    let wrong = format!("{right} cksum {}", before + 1);
    assert_eq!(sum(&one(&lab(), &frame(&wrong))), after + 1);
    // 192.0.2.1 to 10.1.0.1 and 198.51.100.2 to 10.2.3.2 take 0x0bb9 + 0x1bd3 from the words of the header.
    let ip_sum = one(&lab(), &frame(right));
    let words = |line: &str| {
        packet(line)
            .chunks(2)
            .skip(6)
            .take(4)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
            .sum::<u32>()
    };
    let less = words("192.0.2.1 > 198.51.100.2: proto 1") - words("10.1.0.1 > 10.2.3.2: proto 1");
    let expected = 1 + less % 0xffff;
    assert_eq!(
        u32::from(u16::from_be_bytes([ip_sum[24], ip_sum[25]])),
        expected
    );
}

#[test]
fn a_udp_datagram_without_sum_stays_without() {
    check(
        &lab(),
        "192.0.2.1.1 > 198.51.100.2.2: udp cksum 0x0000 ttl 64",
        "10.1.0.1.1 > 10.2.3.2.2: udp cksum 0x0000 ttl 64",
    );
}

#[test]
fn a_udp_sum_of_zero_is_sent_as_all_ones() {
    // Some payload makes the sum of the mapped datagram zero; it must not come to say that there is none.
    let mut met = 0;
    for word in 0..=0xffffu32 {
        let line = format!("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 hex {word:04x}");
        let bytes = one(&lab(), &frame(&line));
        assert_ne!(bytes[40..42], [0, 0]);
        met += u32::from(bytes[40..42] == [0xff, 0xff]);
    }
    assert_eq!(met, 1);
}

#[test]
fn ports_are_mapped_in_order_of_their_range() {
    let plan = Rewrite {
        ports: ["80=8080", "1000-1999=3000-3999"]
            .map(|text| text.parse().unwrap())
            .into(),
        ..Rewrite::default()
    };
    check(
        &plan,
        "192.0.2.1.1057 > 198.51.100.2.80: S 1 win 0 ttl 64",
        "192.0.2.1.3057 > 198.51.100.2.8080: S 1 win 0 ttl 64",
    );
    check(
        &plan,
        "2001:db8::1.81 > 2001:db8::2.1999: udp hlim 64 \"x\"",
        "2001:db8::1.81 > 2001:db8::2.3999: udp hlim 64 \"x\"",
    );
    let rewriter = Rewriter::new(plan).unwrap();
    assert_eq!(
        [80, 1000, 999, 2000].map(|port| rewriter.map_port(port)),
        [8080, 3000, 999, 2000]
    );
}

#[test]
fn what_is_no_host_is_mapped_by_name_only() {
    let wide = mapping(&["0.0.0.0/0=0.0.0.0/0", "::/0=::/0"]);
    let none = mapping(&["0.0.0.0/1=128.0.0.0/1", "128.0.0.0/1=0.0.0.0/1"]);
    let named = mapping(&[
        "239.1.0.0/16=239.2.0.0/16",
        "255.255.255.255=10.255.255.255",
    ]);
    for plan in [wide, none.clone()] {
        check(
            &plan,
            "0.0.0.0.68 > 255.255.255.255.67: udp ttl 64",
            "0.0.0.0.68 > 255.255.255.255.67: udp ttl 64",
        );
    }
    check(
        &none,
        "10.0.0.1.1 > 239.1.0.7.2: udp ttl 1",
        "138.0.0.1.1 > 239.1.0.7.2: udp ttl 1",
    );
    check(
        &named,
        "10.0.0.1.1 > 239.1.0.7.2: udp ttl 1",
        "10.0.0.1.1 > 239.2.0.7.2: udp ttl 1",
    );
    check(
        &named,
        "0.0.0.0.68 > 255.255.255.255.67: udp ttl 64",
        "0.0.0.0.68 > 10.255.255.255.67: udp ttl 64",
    );
}

#[test]
fn fragments_are_right_as_a_whole() {
    let datagram = packet("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 \"sixteen bytes..\"");
    let (head, tail) = datagram[20..].split_at(16);
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let fragments = [
        format!(
            "192.0.2.1 > 198.51.100.2: proto 17 ttl 64 MF hex {}",
            hex(head)
        ),
        format!(
            "192.0.2.1 > 198.51.100.2: proto 17 ttl 64 frag 2 hex {}",
            hex(tail)
        ),
    ];
    let mapped = fragments.map(|line| one(&lab(), &frame(&line)));
    for bytes in &mapped {
        let layers = Layers::decode(LinkType::ETHERNET, bytes);
        assert!(layers.checksum_anomalies().is_empty());
    }
    let whole = packet("10.1.0.1.1 > 10.2.3.2.2: udp ttl 64 \"sixteen bytes..\"");
    assert_eq!([&mapped[0][34..], &mapped[1][34..]].concat(), whole[20..]);
}

#[test]
fn extension_headers_are_stepped_over() {
    // Hop-by-hop, destination options, a first fragment, then UDP.
    let datagram = packet("2001:db8:1::7.1057 > 2001:db8:2::1.53: udp hlim 64 \"query\"");
    let extended = |datagram: &[u8]| {
        let mut bytes = frame("2001:db8::1 > 2001:db8::2: proto 0 hlim 64");
        bytes[14..].copy_from_slice(&datagram[..40]);
        bytes[20] = 0;
        bytes.extend([60, 0, 1, 4, 0, 0, 0, 0]);
        bytes.extend([44, 0, 1, 4, 0, 0, 0, 0]);
        bytes.extend([17, 0, 0, 1, 0, 0, 0, 9]);
        bytes.extend(&datagram[40..]);
        bytes[19] += 24;
        bytes
    };
    let after = packet("fd00:1::7.1057 > 2001:db8:2::1.53: udp hlim 64 \"query\"");
    assert_eq!(one(&lab(), &extended(&datagram)), extended(&after));
}

#[test]
fn a_routing_header_with_segments_left_holds_the_receiver_of_the_sum() {
    let plan = mapping(&["2001:db8:2::/48=fd00:2::/48"]);
    let mut bytes = frame("2001:db8:1::1.1 > 2001:db8:2::1.2: udp hlim 64 \"x\"");
    bytes[20] = 43;
    bytes[19] += 24;
    let mut routing = vec![17, 2, 4, 1, 0, 0, 0, 0];
    routing.extend([0x20; 16]);
    bytes.splice(54..54, routing);
    let after = one(&plan, &bytes);
    assert_ne!(after[38..54], bytes[38..54], "the address is mapped");
    assert_eq!(after[54..], bytes[54..], "the sum stands");
    let fix = Rewrite {
        checksums: Checksums::Fix,
        ..plan
    };
    assert_eq!(
        one(&fix, &bytes),
        after,
        "its receiver is not read, so it is not fixed"
    );
}

#[test]
fn fixing_computes_what_offloading_left_open() {
    let fix = Rewrite {
        checksums: Checksums::Fix,
        ..lab()
    };
    for (before, after) in [
        (
            "192.0.2.1.1 > 198.51.100.2.2: P. 1 ack 1 win 0 cksum 0x1234 ttl 64 ip-cksum 0x0000 \"x\"",
            "10.1.0.1.1 > 10.2.3.2.2: P. 1 ack 1 win 0 ttl 64 \"x\"",
        ),
        (
            "192.0.2.1.1 > 198.51.100.2.2: udp cksum 0x0000 ttl 64 \"x\"",
            "10.1.0.1.1 > 10.2.3.2.2: udp cksum 0x0000 ttl 64 \"x\"",
        ),
        (
            "2001:db8:1::1.1 > 2001:db8:1::2.2: udp cksum 0x0000 hlim 64 \"x\"",
            "fd00:1::1.1 > fd00:1::2.2: udp hlim 64 \"x\"",
        ),
        (
            "192.0.2.1 > 198.51.100.2: icmp 8/0 cksum 0x0001 ttl 64 hex 07",
            "10.1.0.1 > 10.2.3.2: icmp 8/0 echo 0 0 ttl 64 hex 07",
        ),
    ] {
        let mut rewriter = Rewriter::new(fix.clone()).unwrap();
        let bytes = frame(before);
        let became: Vec<_> = rewriter
            .rewrite(&whole(&bytes), 0)
            .unwrap()
            .frames()
            .map(said)
            .collect();
        assert_eq!(became, [after], "of {before}");
    }
    let mut rewriter = Rewriter::new(fix).unwrap();
    let bytes =
        frame("192.0.2.1.1 > 198.51.100.2.2: S 1 win 0 cksum 0x1234 ttl 64 ip-cksum 0x0000");
    rewriter.rewrite(&whole(&bytes), 0).unwrap();
    assert_eq!(rewriter.counts().checksums_fixed, 2);
}

#[test]
fn a_udp_sum_covers_what_the_udp_length_counts() {
    let fix = Rewrite {
        checksums: Checksums::Fix,
        ..Rewrite::default()
    };
    let right = packet("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 \"ab\"");
    let longer = "192.0.2.1.1 > 198.51.100.2.2: udp len 10 cksum 0x0001 ttl 64 \"abcd\"";
    assert_eq!(one(&fix, &frame(longer))[40..42], right[26..28]);
}
