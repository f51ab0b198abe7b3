//! What a flood's finding holds.

use labels::Class;

use crate::trace::{findings_with, only};

#[test]
fn three_syns_with_one_sequence_number_are_a_flood_however_slow() {
    let found = only(
        "0.00 198.51.100.7.1053 > 192.0.2.10.23: S =322286 $syn
         0.39 198.51.100.7.1054 > 192.0.2.10.23: S =322286 $syn
         0.76 198.51.100.7.1055 > 192.0.2.10.23: S =322286 $syn",
    );
    assert_eq!(found.class, Class::SpoofedSynFlood);
    assert_eq!((found.packets, found.detected_frame), (3, 3));
}

#[test]
fn a_flood_that_has_to_make_room_keeps_its_target() {
    let found = findings_with(
        "1 repeat 4 every 0.1
           0 198.51.100.7.{n} > 192.0.2.10.80: S =674719801 $syn
         end
         2 repeat 4 every 0.1
           0 198.51.100.7.{n} > 192.0.2.20.80: S =674719801 $syn
         end",
        "[memory]\ncases = 1",
    );
    let targets: Vec<_> = found.iter().map(|f| f.targets[0].to_string()).collect();
    assert_eq!(targets, ["192.0.2.10", "192.0.2.20"]);
}

#[test]
fn the_answers_to_a_flood_belong_to_it() {
    let found = only(
        "0 repeat 200 every 0.01
           0 198.18.{n}.9.{20000+n} > 192.0.2.10.80: S =674719801 win 64240
           0 192.0.2.10.80 > 198.18.{n}.9.{20000+n}: S. 0 ack 1 $syn
         end",
    );
    assert_eq!(found.class, Class::SpoofedSynFlood);
    assert_eq!(found.tool.as_deref(), Some("synk4"));
    // The two answers before the third SYN are not counted.
    assert_eq!(found.packets, 398);
    assert_eq!(found.sources, ["198.18.0.0/16".parse().unwrap()]);
}
