//! Traces become the packets they say, and what is no trace says why.

use super::*;
use crate::packet::Packet;

fn frames(text: &str) -> Vec<(u64, String)> {
    let trace = Trace::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let frames = trace.frames().unwrap_or_else(|error| panic!("{error}"));
    frames
        .into_iter()
        .map(|(at, frame)| (at / 1_000_000, frame.to_string()))
        .collect()
}

fn error(text: &str) -> String {
    match Trace::parse(text).and_then(|trace| trace.frames().map(|_| trace)) {
        Ok(trace) => panic!("{trace:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn times_are_seconds_or_count_from_the_line_before() {
    let lines = "1.5 192.0.2.1.1 > 192.0.2.2.2: udp  # the first\n\n# nothing\n\
                 +0.25 192.0.2.1.1 > 192.0.2.2.2: udp \"#1\"\n0 192.0.2.1.1 > 192.0.2.2.3: udp";
    let found = frames(lines);
    let times: Vec<u64> = found.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 1500, 1750]);
    assert!(found[2].1.ends_with("\"#1\""), "{found:?}");
}

#[test]
fn numbers_count_from_the_first_of_their_direction() {
    let lines = "0 192.0.2.1.9 > 192.0.2.2.80: S =1000
                 0 192.0.2.2.80 > 192.0.2.1.9: S. =4294967295 ack 1
                 0 192.0.2.1.9 > 192.0.2.2.80: . 1 ack 1
                 0 192.0.2.2.80 > 192.0.2.1.9: R. =0 ack =7";
    let said: Vec<String> = frames(lines)
        .into_iter()
        .map(|(_, text)| text.split(": ").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        said,
        [
            "S 1000 win 0 ttl 64",
            "S. 4294967295 ack 1001 win 0 ttl 64",
            ". 1001 ack 0 win 0 ttl 64",
            "R. 0 ack 7 win 0 ttl 64"
        ]
    );
}

#[test]
fn both_directions_agree_about_numbers_that_nobody_tells() {
    let lines = "0 192.0.2.1.9 > 192.0.2.2.80: S 0
                 0 192.0.2.2.80 > 192.0.2.1.9: S. 0 ack 1
                 0 192.0.2.1.9 > 192.0.2.2.80: . 1 ack 1";
    let trace = Trace::parse(lines).unwrap();
    let tcp: Vec<crate::Tcp> = trace
        .frames()
        .unwrap()
        .into_iter()
        .map(|(_, frame)| match frame.packet.segment {
            crate::Segment::Tcp(tcp) => tcp,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(tcp[1].acknowledgment, tcp[0].sequence.wrapping_add(1));
    assert_eq!(tcp[2].sequence, tcp[1].acknowledgment);
    assert_eq!(tcp[2].acknowledgment, tcp[1].sequence.wrapping_add(1));
    assert_ne!(tcp[0].sequence, tcp[1].sequence);
}

#[test]
fn rounds_are_counted_names_filled_in_and_all_is_in_order() {
    let lines = "home 192.0.2.0/24\nlet host = 192.0.2\n\
                 1.0 repeat 2 every 0.5\n  0.0 $host.1.{n+10} > $host.2.7: udp\n  0.6 repeat 2 every 1\n\
                 0 $host.1.{n*2%3} > $host.3.{7/2}: udp\nend\nend\n1.2 $host.9.9 > $host.9.1: udp";
    let trace = Trace::parse(lines).unwrap();
    assert_eq!(trace.heads[0].text, "home 192.0.2.0/24");
    let found: Vec<(u64, String)> = frames(lines)
        .into_iter()
        .map(|(at, text)| (at, text.split(':').next().unwrap().to_owned()))
        .collect();
    let wanted = [
        (1000, "192.0.2.1.10 > 192.0.2.2.7"),
        (1200, "192.0.2.9.9 > 192.0.2.9.1"),
        (1500, "192.0.2.1.11 > 192.0.2.2.7"),
        (1600, "192.0.2.1.0 > 192.0.2.3.3"),
        (2100, "192.0.2.1.0 > 192.0.2.3.3"),
        (2600, "192.0.2.1.2 > 192.0.2.3.3"),
        (3100, "192.0.2.1.2 > 192.0.2.3.3"),
    ];
    let wanted: Vec<(u64, String)> = wanted.iter().map(|(at, s)| (*at, (*s).into())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn an_error_quotes_header_and_eight_bytes() {
    let lines = "0 192.0.2.1.9 > 192.0.2.2.80: S 0 <mss 1460>
                 1 192.0.2.9 > 192.0.2.1: icmp 3/1 quotes 1
                 2 192.0.2.9 > 192.0.2.1: icmp 3/1 quotes -1 ttl 9
                 3 192.0.2.9 > 192.0.2.1: icmp 11/0 quotes 1 after 3 ttl 9";
    let frames = Trace::parse(lines).unwrap().frames().unwrap();
    let payload = |n: usize| frames[n].1.packet.payload.to_vec();
    let mut syn = Vec::new();
    frames[0].1.packet.emit(&mut syn);
    assert_eq!(payload(1), syn[..28]);
    let mut error = Vec::new();
    frames[1].1.packet.emit(&mut error);
    assert_eq!(payload(2), error[..28]);
    assert_eq!(payload(3)[8], syn[8] - 3, "time to live");
    assert_eq!(payload(3)[12..], syn[12..28]);
}

#[test]
fn what_is_no_trace_says_where_and_why() {
    let udp = "192.0.2.1.1 > 192.0.2.2.2: udp";
    for (text, wanted) in [
        ("\n1x 192.0.2.1", "line 2: '1x' is no time"),
        ("let x", "line 1: a name is given as in"),
        (
            "0 $who > 192.0.2.1: udp",
            "line 1: nothing is called '$who'",
        ),
        ("0 192.0.2.1.{n} > x", "line 1: '{n}' cannot be worked out"),
        (
            "0 192.0.2.1.{1/0} > x",
            "line 1: '{1/0}' cannot be worked out",
        ),
        ("0 repeat many", "line 1: a repetition begins as in"),
        ("0 repeat 2 every 1\n0 x", "line 1: 'repeat' and 'end'"),
        ("end", "line 1: 'repeat' and 'end'"),
        (
            "0 repeat 9999999 every 1\nend",
            "line 1: more than 1048576 rounds",
        ),
        (
            "0 192.0.2.1 > 192.0.2.2: icmp 3/1 quotes 1",
            "line 1: there is no event 1",
        ),
        (
            "0 192.0.2.1.1 > 192.0.2.2.2: udp\n0 192.0.2.2 > 192.0.2.1: icmp 3/1 quotes 1 after x",
            "line 2: there is no event 1 after x",
        ),
        (
            "0 192.0.2.1.1 > 192.0.2.2.2: S",
            "line 1: column 29: the line ends",
        ),
        (
            "0 192.0.2.1.1 > 192.0.2.2.2: S 0 ttl 999",
            "999 is more than",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
    assert!(frames(&format!("0 {udp}")).len() == 1);
}

#[test]
fn a_packet_is_compared_by_what_its_line_says() {
    let mut numbers = Numbers::default();
    let packet = |line: &str| -> Packet { line.parse().unwrap() };
    let synack = packet(
        "192.0.2.2.80 > 192.0.2.1.9: S. 500 ack 1001 win 8760 <mss 1460,nop,nop,timestamp 77 0> ttl 64 id 5 DF",
    );
    numbers.saw(None, &packet("192.0.2.1.9 > 192.0.2.2.80: S 1000"));
    numbers.saw(None, &synack);
    let of = |line: &str| differences(line, &synack, &numbers);
    let line = "192.0.2.2.80 > 192.0.2.1.9: S. 0 ack 1";
    for fits in [
        "",
        " win 8760 DF",
        " id *",
        " urg 0",
        " no evil",
        " <mss 1460,nop,nop,timestamp * 0>",
    ] {
        assert_eq!(of(&format!("{line}{fits}")), [""; 0], "{fits}");
    }
    let wrong = [
        (" win 1", "win 8760 instead of 1"),
        (" evil", "no evil"),
        (" win 8760 no DF", "DF, which must not be there"),
        (" zeros 5", "no zeros 5"),
        (" <mss 1460>", "instead of <mss 1460>"),
    ];
    for (field, wanted) in wrong {
        let found = of(&format!("{line}{field}"));
        assert!(found.concat().contains(wanted), "{field}: {found:?}");
    }
    assert_eq!(of("192.0.2.2.80 > 192.0.2.1.9: S. =500 ack =1001"), [""; 0]);
    assert_eq!(
        of("192.0.2.2.80 > 192.0.2.1.9: S. =501 ack =1"),
        ["=500 instead of =501", "ack =1001 instead of =1"]
    );
    assert_eq!(
        of("192.0.2.2.80 > 192.0.2.1.9: S 3 ack 1"),
        ["S. instead of S", "0 instead of 3"]
    );
    let data = packet("192.0.2.2.80 > 192.0.2.1.9: P. 501 ack 1001 \"hi\"");
    let found = differences("192.0.2.2.80 > 192.0.2.1.9: P. 1 ack 1", &data, &numbers);
    assert!(found.concat().contains("of which nothing is said"));
}
