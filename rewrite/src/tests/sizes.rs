//! Frames beyond the MTU, and frames captured only in part.

use super::*;
use crate::{Checksums, Counts, Cut, Oversize};

fn sized(mtu: usize, oversize: Oversize) -> Rewrite {
    Rewrite {
        mtu,
        oversize,
        ..Rewrite::default()
    }
}

fn made(plan: &Rewrite, bytes: &[u8]) -> (Vec<String>, Counts) {
    let mut rewriter = Rewriter::new(plan.clone()).unwrap();
    let frames = rewriter.rewrite(&whole(bytes), 0).unwrap().frames();
    let frames = frames.map(said).collect();
    (frames, *rewriter.counts())
}

#[test]
fn the_mtu_is_that_of_the_packet() {
    let plan = sized(100, Oversize::Refuse);
    for link in ["", "[vlan 5]"] {
        let fits = frame(&format!(
            "{link} 192.0.2.1 > 192.0.2.2: proto 47 ttl 64 zeros 80"
        ));
        assert_eq!(one(&plan, &fits), fits);
        let beyond = frame(&format!(
            "{link} 192.0.2.1 > 192.0.2.2: proto 47 ttl 64 zeros 81"
        ));
        let error = rewritten(&plan, &whole(&beyond)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a packet of 101 bytes is beyond the MTU of 100: raise the interface's MTU, or say --oversize fragment, \
             truncate or skip"
        );
    }
    // An LLC header counts: interfaces count it.
    let fits = frame("[snap] 192.0.2.1 > 192.0.2.2: proto 47 ttl 64 zeros 72");
    assert_eq!(one(&plan, &fits), fits);
    let beyond = frame("[snap] 192.0.2.1 > 192.0.2.2: proto 47 ttl 64 zeros 73");
    assert!(rewritten(&plan, &whole(&beyond)).is_err());
}

#[test]
fn bytes_behind_the_packet_go_where_they_would_be_too_many() {
    let plan = sized(100, Oversize::Refuse);
    let mut bytes = frame("192.0.2.1 > 192.0.2.2: proto 47 ttl 64 zeros 80");
    bytes.extend([1, 2, 3, 4]);
    assert_eq!(one(&plan, &bytes), bytes[..114]);
}

#[test]
fn fragments_of_ipv4() {
    let (frames, counts) = made(
        &sized(68, Oversize::Fragment),
        &frame(
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 tos 0x10 DF evil hex 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011",
        ),
    );
    assert_eq!(
        frames,
        [
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 tos 0x10 MF evil hex 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 tos 0x10 evil frag 6 hex 0011",
        ]
    );
    assert_eq!(
        (counts.fragmented, counts.fragments, counts.df_cleared),
        (1, 2, 1)
    );
    assert_eq!((counts.records, counts.frames), (1, 2));
}

#[test]
fn the_last_fragment_uses_all_the_room() {
    let bytes = frame("192.0.2.1 > 192.0.2.2: proto 47 ttl 9 zeros 98");
    let (frames, _) = made(&sized(70, Oversize::Fragment), &bytes);
    assert_eq!(
        frames,
        [
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 MF zeros 48",
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 frag 6 zeros 50",
        ]
    );
}

#[test]
fn a_fragment_is_split_further() {
    let middle = frame("192.0.2.1 > 192.0.2.2: proto 17 ttl 9 id 7 MF frag 10 zeros 104");
    let (frames, _) = made(&sized(68, Oversize::Fragment), &middle);
    assert_eq!(
        frames,
        [
            "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 id 7 MF frag 10 zeros 48",
            "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 id 7 MF frag 16 zeros 48",
            "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 id 7 MF frag 22 zeros 8",
        ]
    );
    let beyond = frame("192.0.2.1 > 192.0.2.2: proto 17 ttl 9 id 7 frag 8190 zeros 104");
    assert_eq!(
        skipped(&sized(68, Oversize::Fragment), &whole(&beyond)),
        Some(Skip::Unfragmentable)
    );
}

#[test]
fn later_fragments_keep_the_options_that_are_copied() {
    // A record route (not copied), padding, a stream identifier (copied, RFC 791).
    let line = "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 ip-options 0707040a0b0c0d01880400050000 zeros 60";
    let (frames, _) = made(&sized(84, Oversize::Fragment), &frame(line));
    assert_eq!(
        frames,
        [
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 MF ip-options 0707040a0b0c0d018804000500000000 zeros 48",
            "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 frag 6 ip-options 88040005 zeros 12",
        ]
    );
}

#[test]
fn a_header_sum_that_is_wrong_is_wrong_in_each_fragment() {
    let right = frame("192.0.2.1 > 192.0.2.2: proto 47 ttl 9 zeros 90");
    let sum = |frame: &[u8]| u16::from_be_bytes([frame[24], frame[25]]);
    let wrong = frame(&format!(
        "192.0.2.1 > 192.0.2.2: proto 47 ttl 9 ip-cksum {} zeros 90",
        sum(&right) + 5
    ));
    let plan = sized(68, Oversize::Fragment);
    let right = rewritten(&plan, &whole(&right)).unwrap();
    let wrong = rewritten(&plan, &whole(&wrong)).unwrap();
    for (right, wrong) in right.iter().zip(&wrong) {
        assert_eq!(sum(wrong), sum(right) + 5);
    }
}

#[test]
fn fragments_of_ipv6() {
    let bytes = frame("2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 92");
    let frames = rewritten(&sized(100, Oversize::Fragment), &whole(&bytes)).unwrap();
    assert_eq!(frames.len(), 2);
    let identification = &frames[0][58..62];
    for (frame, (payload, word)) in frames.iter().zip([(48, 0x0001), (52, 0x0030)]) {
        assert_eq!(frame.len(), 54 + 8 + payload);
        assert_eq!(frame[18..21], [0, 8 + u8::try_from(payload).unwrap(), 44]);
        assert_eq!(frame[54..58], [17, 0, 0, word]);
        assert_eq!(&frame[58..62], identification);
    }
    assert_eq!([&frames[0][62..], &frames[1][62..]].concat(), bytes[54..]);
    let mut rewriter = Rewriter::new(sized(100, Oversize::Fragment)).unwrap();
    let mut ids = [(); 2].map(|()| {
        let frame = rewriter
            .rewrite(&whole(&bytes), 0)
            .unwrap()
            .frames()
            .next()
            .unwrap();
        frame[58..62].to_vec()
    });
    ids.sort();
    assert_ne!(ids[0], ids[1], "each packet has its own");
}

#[test]
fn headers_before_the_fragment_header_stand_in_each_fragment() {
    let mut bytes = frame("2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 92");
    bytes[20] = 0;
    bytes[19] += 16;
    // Hop-by-hop, which each router reads, and destination options, which only the receiver reads.
    bytes.splice(54..54, [60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]);
    let frames = rewritten(&sized(100, Oversize::Fragment), &whole(&bytes)).unwrap();
    for frame in &frames {
        assert!(frame.len() <= 114);
        assert_eq!(frame[54..62], [44, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(frame[62], 60);
    }
    let payload: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame[70..].to_vec())
        .collect();
    assert_eq!(payload, bytes[62..]);
}

#[test]
fn a_routing_header_stands_in_each_fragment() {
    let mut bytes = frame("2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 92");
    bytes[20] = 43;
    bytes[19] += 24;
    let routing = [&[17, 2, 4, 0, 0, 0, 0, 0][..], &[0x20; 16]].concat();
    bytes.splice(54..54, routing);
    let frames = rewritten(&sized(120, Oversize::Fragment), &whole(&bytes)).unwrap();
    assert!(frames.len() > 1);
    for frame in &frames {
        assert_eq!((frame[20], frame[54], frame[78]), (43, 44, 17));
        assert_eq!(frame[55..78], bytes[55..78]);
    }
}

#[test]
fn llc_frames_state_their_new_length() {
    let bytes = frame("[snap] 192.0.2.1 > 192.0.2.2: proto 47 ttl 9 id 7 zeros 100");
    for oversize in [Oversize::Fragment, Oversize::Truncate] {
        for frame in rewritten(&sized(92, oversize), &whole(&bytes)).unwrap() {
            let layers = Layers::decode(LinkType::ETHERNET, &frame);
            assert_eq!(
                usize::from(u16::from_be_bytes([frame[12], frame[13]])),
                frame.len() - 14
            );
            assert!(layers.anomalies.is_empty() && layers.checksum_anomalies().is_empty());
            assert!(frame.len() <= 14 + 92);
        }
    }
}

#[test]
fn truncating_puts_lengths_and_sums_right() {
    for (before, after) in [
        (
            "192.0.2.1.1 > 192.0.2.2.2: P. 1 ack 1 win 0 ttl 9 zeros 100",
            "192.0.2.1.1 > 192.0.2.2.2: P. 1 ack 1 win 0 ttl 9 zeros 60",
        ),
        (
            "192.0.2.1.1 > 192.0.2.2.2: udp ttl 9 zeros 100",
            "192.0.2.1.1 > 192.0.2.2.2: udp ttl 9 zeros 72",
        ),
        (
            "2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 100",
            "2001:db8::1.1 > 2001:db8::2.2: udp hlim 9 zeros 52",
        ),
        (
            "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 MF frag 10 zeros 104",
            "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 MF frag 10 zeros 80",
        ),
    ] {
        let (frames, counts) = made(&sized(100, Oversize::Truncate), &frame(before));
        assert_eq!((frames, counts.truncated), (vec![after.to_owned()], 1));
    }
}

#[test]
fn a_truncated_first_fragment_keeps_the_header_of_its_datagram() {
    // A UDP header that counts 500 bytes, of which this fragment holds 104.
    let first = "192.0.2.1 > 192.0.2.2: proto 17 ttl 9 MF hex 0001000201f4abcd";
    let bytes = frame(&format!("{first}{}", "00".repeat(96)));
    let after = one(&sized(68, Oversize::Truncate), &bytes);
    assert_eq!(after.len(), 14 + 68);
    assert_eq!(after[34..42], bytes[34..42]);
}

#[test]
fn what_is_no_ip_cannot_be_made_smaller() {
    let bytes = [&[2; 12][..], &[0x88, 0xb5], &[0; 101]].concat();
    assert!(rewritten(&sized(100, Oversize::Refuse), &whole(&bytes)).is_err());
    for oversize in [Oversize::Skip, Oversize::Fragment, Oversize::Truncate] {
        assert_eq!(
            skipped(&sized(100, oversize), &whole(&bytes)),
            Some(Skip::Oversize)
        );
    }
}

/// A frame of which only so many bytes were captured.
fn cut(bytes: &[u8], captured: usize) -> Record<'_> {
    Record {
        bytes: &bytes[..captured],
        ..whole(bytes)
    }
}

#[test]
fn a_frame_captured_in_part_gets_zeros_and_a_sum_for_them() {
    let bytes = frame(
        "192.0.2.1.1 > 198.51.100.2.2: P. 1 ack 1 win 0 ttl 64 id 5 \"captured, and what wasn't\"",
    );
    let plan = mapping(&["192.0.2.0/24=10.1.0.0/16"]);
    let frames = rewritten(&plan, &cut(&bytes, 62)).unwrap();
    let expected = frame(
        "10.1.0.1.1 > 198.51.100.2.2: P. 1 ack 1 win 0 ttl 64 id 5 hex 63617074757265640000000000000000000000000000000000",
    );
    assert_eq!(frames, [expected]);
    let raw = packet("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 \"some words\"");
    let record = Record {
        link_type: LinkType::RAW,
        ..cut(&raw, 32)
    };
    let frames = rewritten(&Rewrite::default(), &record).unwrap();
    assert_eq!(
        said(&frames[0]),
        "192.0.2.1.1 > 198.51.100.2.2: udp ttl 64 hex 736f6d65000000000000"
    );
}

#[test]
fn padding_that_was_cut_is_no_reason_to_touch_a_sum() {
    let mut bytes = frame("192.0.2.1.1 > 198.51.100.2.2: udp cksum 0x0007 ttl 64 \"x\"");
    let packet_end = bytes.len();
    bytes.resize(60, 0);
    let frames = rewritten(&Rewrite::default(), &cut(&bytes, packet_end)).unwrap();
    assert_eq!(frames, [bytes]);
}

#[test]
fn a_frame_captured_in_part_is_sent_as_it_is_or_left_out() {
    let bytes = frame("192.0.2.1.1 > 198.51.100.2.2: P. 1 ack 1 win 0 ttl 64 \"some text\"");
    let with = |cut| Rewrite {
        cut,
        ..mapping(&["192.0.2.0/24=10.1.0.0/16"])
    };
    let mapped = one(&with(Cut::Send), &bytes);
    // Half a sum, at byte 51, cannot follow.
    for captured in (34..bytes.len()).filter(|captured| *captured != 51) {
        let frames = rewritten(&with(Cut::Send), &cut(&bytes, captured)).unwrap();
        assert_eq!(frames, [&mapped[..captured]]);
    }
    assert_eq!(skipped(&with(Cut::Skip), &cut(&bytes, 60)), Some(Skip::Cut));
    let fix = Rewrite {
        checksums: Checksums::Fix,
        ..with(Cut::Send)
    };
    let frames = rewritten(&fix, &cut(&bytes, 60)).unwrap();
    assert_eq!(
        frames,
        [&mapped[..60]],
        "a sum over bytes that are not there is not computed"
    );
}

#[test]
fn an_absurd_length_is_not_believed() {
    let bytes = frame("192.0.2.1.1 > 198.51.100.2.2: udp ttl 64");
    let record = Record {
        original_length: usize::MAX,
        ..whole(&bytes)
    };
    assert_eq!(skipped(&Rewrite::default(), &record), Some(Skip::Absurd));
    let raw = Record {
        link_type: LinkType::RAW,
        original_length: usize::MAX,
        ..whole(&bytes[14..])
    };
    assert_eq!(skipped(&Rewrite::default(), &raw), Some(Skip::Absurd));
}
