//! What traces cannot say: packets in pieces.

use labels::Class;
use wire::{LinkType, Timestamp};

use crate::{Config, Detector};

/// Pieces of UDP at this offset, in words of eight bytes, of packets of that source, one every two milliseconds.
fn feed(detector: &mut Detector, offsets: &[u16]) {
    for number in 0..3_000u16 {
        for offset in offsets {
            let [high, low] = number.to_be_bytes();
            // The first piece says that more follow.
            let [a, b] = (offset | if *offset == 0 { 0x2000 } else { 0 }).to_be_bytes();
            let header = [0x45, 0, 0, 60, high, low, a, b, 57, 17, 0, 0];
            let packet = [
                &header[..],
                &[198, 51, 100, 7],
                &[192, 0, 2, 10],
                &[0, 53, 0, 53, 5, 0, 0, 0],
                &[7; 32],
            ];
            let time = Timestamp::from_nanos(1_000_000_000 + u64::from(number) * 2_000_000);
            let frame = packet.concat();
            detector.observe(
                u64::from(number) + 1,
                time,
                LinkType::IPV4,
                &frame,
                frame.len(),
            );
        }
    }
}

#[test]
fn pieces_whose_header_never_comes_are_a_flood() {
    let found = |offsets: &[u16]| {
        let mut detector = Detector::new(Config::default(), &[]);
        feed(&mut detector, offsets);
        let report = detector.finish();
        report
            .findings
            .iter()
            .any(|finding| finding.class == Class::UdpFlood && finding.ports.is_empty())
    };
    assert!(found(&[185]));
    assert!(!found(&[185, 0]), "in whatever order they come");
}
