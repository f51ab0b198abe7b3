//! Lines in, packets out, in the notation of the crate.

use proptest::prelude::*;
use wire::decode::{Layers, LinkType};
use wire::packet::Packet;

use super::*;

fn of(listing: &str) -> Transcript {
    transcribe(listing, &Settings::default())
}

/// With an error for what cannot be made.
fn exactly(listing: &str) -> Transcript {
    let settings = Settings {
        exact: true,
        ..Settings::default()
    };
    transcribe(listing, &settings)
}

/// The frames of a listing that has no mistakes, as notation without the usual time to live.
fn packets(listing: &str) -> Vec<String> {
    let transcript = of(listing);
    assert_eq!(transcript.errors, [], "{listing}");
    let packet = |frame: &ListedFrame| {
        let layers = Layers::decode(LinkType::ETHERNET, &frame.bytes);
        Packet::from_layers(&layers)
            .unwrap()
            .to_string()
            .replace(" ttl 64", "")
    };
    transcript.frames.iter().map(packet).collect()
}

fn packet(listing: &str) -> String {
    let packets = packets(listing);
    assert_eq!(packets.len(), 1, "{packets:?}");
    packets.concat()
}

fn error(listing: &str) -> String {
    let errors = of(listing).errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn old_lines_wrapped_as_in_papers() {
    let listing = "1. 14:05:27.083238 ftp.client.org.1057 > ftp.server.edu.ftp:\n\n\
        S 1484414:1484414(0) win 8192 <mss 536,sackOK,timestamp\n\n50637 0,nop,wscale 0> (DF)\n\
        [tos 0x10] (ttl 52, id 770)\n";
    assert_eq!(
        packet(listing),
        "192.0.2.1.1057 > 192.0.2.2.21: S 1484414 win 8192 \
         <mss 536,sackOK,timestamp 50637 0,nop,wscale 0> ttl 52 id 770 tos 0x10 DF"
    );
}

#[test]
fn odd_flags_are_as_printed() {
    let of = |said: &str| packet(&format!("09:00:00.000000 10.0.0.1.1 > 10.0.0.2.2: {said}"));
    assert_eq!(
        of(". win 4096"),
        "10.0.0.1.1 > 10.0.0.2.2: none 1000000 win 4096"
    );
    assert_eq!(
        of("SFP 7:7(0) win 0 urg 3"),
        "10.0.0.1.1 > 10.0.0.2.2: FSPU 7 win 0 urg 3"
    );
    assert_eq!(
        of("S [ECN-Echo] 7:7(0) win 1"),
        "10.0.0.1.1 > 10.0.0.2.2: SE 7 win 1"
    );
    assert_eq!(
        of("R 5:5(0) ack 70007 win (ttl 9, id 1)"),
        "10.0.0.1.1 > 10.0.0.2.2: R. 5 ack 70007 win 8192 ttl 9 id 1"
    );
    assert_eq!(
        of("R 5:5(0) ack 70007 0 ttl 9, id 1)"),
        "10.0.0.1.1 > 10.0.0.2.2: R. 5 ack 70007 win 0 ttl 9 id 1"
    );
    assert_eq!(
        of("S 7:9(2) win 1 <mss 1460,nop,nop,sackOK,eol>"),
        "10.0.0.1.1 > 10.0.0.2.2: S 7 win 1 <mss 1460,nop,nop,sackOK,eol,eol,eol,eol> zeros 2"
    );
    assert_eq!(
        of("tcp [bad hdr length 8 - too short, < 20]"),
        "10.0.0.1.1 > 10.0.0.2.2: . 1000000 ack 0 win 8192 offset 2"
    );
}

#[test]
fn todays_lines_in_each_setting() {
    let syn = "10.0.0.1.1 > 10.0.0.2.2: S 7 win 512 <mss 1460>";
    for listing in [
        "10:22:45.000000 IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 7, win 512, options [mss 1460], length 0",
        "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 7, win 512, options [mss 1460], length 0",
        "1.000000 IP (tos 0x0, ttl 64, id 0, offset 0, flags [none], proto TCP (6), length 44)\n    \
         10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x821a (correct), seq 7, win 512, options [mss 1460], length 0",
        "2000-01-01 10:22:45.000000 02:00:00:00:00:07 > 02:00:00:00:00:08, ethertype IPv4 (0x0800), length 58: \
         10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 7, win 512, options [mss 1460], length 0",
    ] {
        assert_eq!(packet(listing), syn, "{listing}");
    }
}

#[test]
fn checksums_are_wrong_only_where_the_listing_says_so() {
    let head = "09:00:00.000000 IP 10.0.0.1.1 > 10.0.0.2.2:";
    assert_eq!(
        packet(&format!(
            "{head} Flags [S], cksum 0x1234 (incorrect -> 0x99d6), seq 7, win 512, length 0"
        )),
        "10.0.0.1.1 > 10.0.0.2.2: S 7 win 512 cksum 0x1234"
    );
    assert_eq!(
        packet(&format!(
            "{head} [bad udp cksum 0x1234 -> 0x5678!] UDP, length 3"
        )),
        "10.0.0.1.1 > 10.0.0.2.2: udp cksum 0x1234 hex 955a00"
    );
    assert_eq!(
        packet(&format!("{head} [no cksum] UDP, length 0")),
        "10.0.0.1.1 > 10.0.0.2.2: udp cksum 0x0000"
    );
    assert_eq!(
        packet(
            "09:00:00.000000 10.0.0.1.1 > 10.0.0.2.2: S [bad tcp cksum 1234!] 7:7(0) win 1 (ttl 5, id 6, bad cksum abcd!)"
        ),
        "10.0.0.1.1 > 10.0.0.2.2: S 7 win 1 cksum 0x1234 ttl 5 id 6 ip-cksum 0xabcd"
    );
}

#[test]
fn datagrams_fragments_and_messages() {
    let of = |said: &str| packet(&format!("09:00:00.000000 {said}"));
    assert_eq!(
        of("10.0.0.1.1023 > 10.0.0.2.sunrpc: udp 4"),
        "10.0.0.1.1023 > 10.0.0.2.111: udp zeros 4"
    );
    assert_eq!(
        of("10.0.0.1.1 > 10.0.0.2.2: udp 2000 (frag 123:16@0+) (ttl 9)"),
        "10.0.0.1.1 > 10.0.0.2.2: udp len 2008 ttl 9 id 123 MF zeros 8"
    );
    assert_eq!(
        of("10.0.0.1 > 10.0.0.2: (frag 123:8@1480)"),
        "10.0.0.1 > 10.0.0.2: proto 17 id 123 frag 185 zeros 8"
    );
    assert_eq!(
        of("10.0.0.1 > 10.0.0.2: icmp: echo request (DF)"),
        "10.0.0.1 > 10.0.0.2: icmp 8/0 echo 0 0 DF"
    );
    assert_eq!(
        of("IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 99, seq 1, length 12"),
        "10.0.0.1 > 10.0.0.2: icmp 0/0 echo 99 1 zeros 4"
    );
    assert_eq!(
        of("IP6 2001:db8::1.53 > 2001:db8::2.1024: UDP, length 2"),
        "2001:db8::1.53 > 2001:db8::2.1024: udp hlim 64 zeros 2"
    );
    assert_eq!(
        of("IP 10.0.0.1 > 10.0.0.2:  ip-proto-99 3"),
        "10.0.0.1 > 10.0.0.2: proto 99 zeros 3"
    );
}

#[test]
fn an_error_quotes_what_was_seen_or_what_is_printed() {
    let listing = "09:00:00.000000 10.0.0.1.5000 > 10.0.0.2.33434: udp 12 [ttl 1]\n\
        09:00:00.100000 10.0.0.9 > 10.0.0.1: icmp: 10.0.0.2 udp port 33434 unreachable\n\
        09:00:01.000000 10.0.0.9 > 10.0.0.1: icmp: time exceeded in-transit for \
        10.0.0.1.55690 > 10.0.0.3.32443: [|tcp] [ttl 1] (id 43796) (ttl 246, id 8)\n";
    let packets = packets(listing);
    assert!(
        packets[1].starts_with("10.0.0.9 > 10.0.0.1: icmp 3/3 hex 45000028000000000111"),
        "{}",
        packets[1]
    );
    assert!(packets[1].ends_with("1388829a001455a1"), "{}", packets[1]);
    assert!(
        packets[2].starts_with("10.0.0.9 > 10.0.0.1: icmp 11/0 ttl 246 id 8 hex 45000028ab140000"),
        "{}",
        packets[2]
    );
}

#[test]
fn snorts_packets_alerts_and_scans() {
    let listing = "[**] IDS177/netbios-name-query [**]\n\
        07/20-16:07:40.894521 10.0.0.1:137 -> 256.0.0.1:137\nUDP TTL:112 TOS:0x0 ID:22685\nLen: 58\n\n\
        [**] x [**] 05/14-10:22:45.030552 10.0.0.4:1057 -> 10.0.0.2:21\n\
        TCP TTL:64 TOS:0x10 ID:12 IpLen:20 DgmLen:44 DF\n\
        ******S* Seq: 0x16A67E  Ack: 0x0  Win: 0x2000  TcpLen: 24\nTCP Options (1) => MSS: 536\n\
        May 27 23:44:42 10.0.0.4:43755 -> 10.0.0.2:1 NMAPID **SF*P*U\n\
        05/14-10:22:46.000000 10.0.0.4 -> 10.0.0.2\nICMP TTL:5 TOS:0x0 ID:1 IpLen:20 DgmLen:30\n\
        Type:8  Code:0  ID:9   Seq:1  ECHO\n";
    assert_eq!(
        packets(listing),
        [
            "10.0.0.1.137 > 192.0.2.1.137: udp ttl 112 id 22685 zeros 50",
            "10.0.0.4.1057 > 10.0.0.2.21: S 1484414 win 8192 <mss 536> id 12 tos 0x10 DF",
            "10.0.0.4.43755 > 10.0.0.2.1: FSPU 1000000 win 8192",
            "10.0.0.4 > 10.0.0.2: icmp 8/0 echo 9 1 ttl 5 id 1 zeros 2",
        ]
    );
}

#[test]
fn a_dump_says_everything_even_where_its_line_cannot_be_read() {
    let dump = "\t0x0000:  4500 0028 0007 0000 4006 66c7 0a00 0001  E..(....@.f.....\n\
        \t0x0010:  0a00 0002 04d2 0050 0000 03e8 0000 0000  .......P........\n\
        \t0x0020:  5002 0200 90d6 0000                      P.......\n";
    let packet = "10.0.0.1.1234 > 10.0.0.2.80: S 1000 win 512 id 7";
    let line = "09:00:00.000000 IP 10.0.0.1.1234 > 10.0.0.2.80: Flags [S], seq 1000, win 512,";
    for listing in [
        format!("{line} length 0\n{dump}"),
        format!("{line} options [mptcp 4 capable v0], length 0\n{dump}"),
    ] {
        assert_eq!(packets(&listing), [packet]);
        assert_eq!(
            of(&listing).frames[0].gaps,
            [Gap::Date, Gap::HardwareAddresses]
        );
    }
}

#[test]
fn hidden_bytes_are_those_of_the_printed_ends() {
    let listing = "07:40:51.892573 10.0.0.1.3272 > 256.0.0.1.12345: udp 2\n\
        0x0000 4500 001e 10ed 0000 6e11 74df 0a00 0001 E../....n.t.....\n\
        0x0010 XXXX XXXX 0cc8 3039 000a 526a ce63 ......09..Rj.c\n";
    assert_eq!(
        packet(listing),
        "10.0.0.1.3272 > 192.0.2.1.12345: udp ttl 110 id 4333 hex ce63"
    );
    assert!(of(listing).frames[0].gaps.contains(&Gap::HiddenBytes));
}

#[test]
fn text_of_a_segment_is_its_payload() {
    let line = "09:00:00.000000 IP 10.0.0.1.1 > 10.0.0.2.21: Flags [P.], seq 70000:70012, ack 90000, win 512, length 12";
    let expected = "10.0.0.1.1 > 10.0.0.2.21: P. 70000 ack 90000 win 512 \"USER guest\\r\\n\"";
    assert_eq!(packet(&format!("{line}: FTP: USER guest")), expected);
    assert_eq!(
        packet(&format!("{line}: FTP, length: 12\n\tUSER guest")),
        expected
    );
}

#[test]
fn several_packets_share_a_line_and_all_else_is_counted() {
    let listing = "# a comment\nprose > quoted\n10:00:00.000001 10.0.0.1 > a: icmp: echo request \
        10:00:00.000002 a > 10.0.0.1: icmp: echo reply\n\nHere is a scan:\n09 Jan 00 11:05:43 tcp 10.0.0.1.23 <| 10.0.0.2.23";
    let transcript = of(listing);
    assert_eq!((transcript.frames.len(), transcript.other.len()), (2, 4));
    assert_eq!(
        transcript.frames[1].time,
        transcript.frames[0].time.plus_nanos(1000)
    );
    assert_eq!(transcript.names[0].name, "a");
}

#[test]
fn what_is_not_told_is_listed() {
    let transcript =
        of("10:22:45.030552 half.scanner.net.49724 > 10.0.0.1.21:\nS 2421827136:2421827136(0)\n");
    let expected = [
        Gap::Date,
        Gap::HardwareAddresses,
        Gap::TimeToLive,
        Gap::Identification,
        Gap::Window,
    ];
    assert_eq!(transcript.frames[0].gaps, expected);
    assert_eq!(transcript.connections[0].reading, Reading::Relative);
}

#[test]
fn arp_frames_are_whole() {
    let transcript = of(
        "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28\narp reply 10.0.0.2 is-at 0:0:5e:0:53:2\n",
    );
    assert_eq!(transcript.errors, []);
    let [request, reply] = transcript.frames.as_slice() else {
        panic!("{transcript:?}");
    };
    assert_eq!(request.bytes[..6], [0xff; 6]);
    assert_eq!(
        request.bytes[20..],
        [
            0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2
        ]
    );
    assert_eq!(
        reply.bytes[20..],
        [
            0, 2, 0, 0, 0x5e, 0, 0x53, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1
        ]
    );
}

#[test]
fn errors_name_line_column_and_what_is_wanted() {
    assert_eq!(
        error("\n09:00:00.000000 a.1 > b.2: S 1;1(0) win 1"),
        "line 2, column 31: ';1(0)' stands where ':' is wanted"
    );
    assert_eq!(
        error("09:00:00.000000 a.1 > b.nobody: S 1:1(0)"),
        "line 1, column 23: no port is known for the service 'nobody': write its number instead"
    );
    assert_eq!(
        error("09:00:00.000000 a.1 > b.2:\n10:00:00.000000 nobody"),
        "line 2, column 23: the packet ends where what TCP, UDP or ICMP says is wanted"
    );
    assert_eq!(
        error("09:00:00.000000 a.1 > b.2:"),
        "line 1, column 27: the packet ends where what the packet says is wanted"
    );
    assert_eq!(
        error("09:00:00.000000 a.1 > b.2:\nS 99999999999:1(0)"),
        "line 2, column 3: 99999999999 is more than the field holds"
    );
    assert_eq!(
        error("09:00:00.000000 IP6 a.1 > 10.0.0.1.2: UDP, length 1"),
        "line 1, column 27: '10.0.0.1' stands for 10.0.0.1, which is of the other version of IP"
    );
}

#[test]
fn nothing_is_read_of_nothing() {
    let transcript = of("");
    assert!(
        transcript.frames.is_empty() && transcript.errors.is_empty() && transcript.other.is_empty()
    );
}

/// Pieces of which lines are made, so that chance goes deep into the grammar.
const PIECES: [&str; 64] = [
    "10:22:45.030552 ",
    "2000-05-14 10:22:45.030552 ",
    "05/14-10:22:45.030552 ",
    "958299765.030552 ",
    "May 27 23:44:42 ",
    "1. ",
    "IP ",
    "IP6 ",
    "ARP, Request who-has ",
    "arp reply ",
    "tell ",
    "is-at ",
    "snap 0:0:0:8:0 ",
    "00:00:5e:00:53:01 > 00:00:5e:00:53:02, ethertype IPv4 (0x0800), length 62: ",
    "0:1:2:3:4:5 0:1:2:3:4:6 ip 60: ",
    "802.3, length 48: LLC, ",
    "(tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 60) ",
    "a.b.21 ",
    "10.0.0.1 ",
    "10.0.0.1.80 ",
    "2001:db8::1.53 ",
    "> ",
    "-> ",
    "10.0.0.2.www: ",
    "10.0.0.2: ",
    "Flags [S.], ",
    "cksum 0x1234 (correct), ",
    "cksum 0x1 (incorrect -> 0x2), ",
    "seq 1:65, ",
    "seq 7, ",
    "ack 1, ",
    "win 512, ",
    "urg 9, ",
    "options [mss 1460,nop,TS val 1 ecr 2], ",
    "options [sack 1 {1:2}], ",
    "length 64",
    ": HTTP: GET / HTTP/1.1",
    "S ",
    ". ",
    "1:65(64) ",
    "ack 1 ",
    "win 8192 ",
    "<mss 1460> ",
    "<mss 1460,timestamp 1[|tcp]> ",
    "(DF) ",
    "[tos 0x10] ",
    "(ttl 5, id 6) ",
    "(frag 1:1480@0+) ",
    "udp 12 ",
    "UDP, length 12",
    "1234+ A? a.example. (27)",
    "1234 2/0/1 A 10.0.0.1 (60)",
    "ICMP echo request, id 1, seq 2, length 64",
    "icmp: host 10.0.0.3 unreachable ",
    "icmp: time exceeded in-transit for ",
    "ICMP6, neighbor solicitation, who has 2001:db8::2, length 32",
    "truncated-ip - 12 bytes missing! ",
    "[bad udp cksum 1!] ",
    "TCP TTL:64 TOS:0x0 ID:1 DgmLen:44 ",
    "**S***** Seq: 0x1 Ack: 0x0 Win: 0x1 ",
    "\n",
    "\n\t0x0000:  4500 0028 0007 0000 4006\n",
    "[|tcp]",
    "NTPv4, Client, length 48",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        of(&text);
    }

    #[test]
    fn no_line_of_pieces_panics(pieces in proptest::collection::vec(0..PIECES.len(), 0..24), cut in 0usize..400) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        let mut cut = cut.min(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        let transcript = of(&text[..cut]);
        for frame in &transcript.frames {
            prop_assert!(frame.bytes.len() >= 14 && frame.bytes.len() <= 14 + 4 + 70_000);
        }
    }
}

#[test]
fn columns_of_any_interface_are_passed_over() {
    for line in [
        "12:00:01.000100 eth0  In  IP 10.0.0.1.5000 > 10.0.0.2.6000: UDP, length 12",
        "12:00:01.000100   In 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 56: 10.0.0.1.5000 > 10.0.0.2.6000: UDP, length 12",
        "12:00:01.000100 eth0 > 10.0.0.1.5000 > 10.0.0.2.6000: udp 12",
        "    7  12:00:01.000100 IP 10.0.0.1.5000 > 10.0.0.2.6000: UDP, length 12",
    ] {
        let made = packet(line);
        assert!(
            made.starts_with("10.0.0.1.5000 > 10.0.0.2.6000: udp"),
            "{line}: {made}"
        );
    }
}

#[test]
fn what_a_short_capture_cut_off_is_a_gap() {
    for line in [
        "10:22:45.070552 a.example.1173 > b.example.80: . ack 1 win 32120 <nop,nop,timestamp[|tcp]> (DF)",
        "22:13:20.000000 IP 10.0.0.1.5406 > 10.0.0.2.80: Flags [S], seq 7, win 64240, options [mss 1460,sackOK,TS [|tcp]>",
        "10:22:45.090552 a.example.1025 > b.example.53: 7+[|domain] (DF)",
        "10:22:45.110552 a.example > b.example: icmp: [|icmp]",
    ] {
        let transcript = of(line);
        assert_eq!(
            (transcript.errors.len(), transcript.frames.len()),
            (0, 1),
            "{line}"
        );
        assert!(!transcript.frames[0].gaps.is_empty());
    }
}

#[test]
fn the_bytes_of_a_dump_count_whatever_its_line_says() {
    // Two tags, of which the line tells nothing; and a frame that is no packet at all.
    let listing = "22:13:20.000000 IP 203.0.113.66.51234 > 192.0.2.10.21: Flags [S], seq 3, win 1024, length 0\n\
        \t0x0000:  025e 0000 0000 025e 0000 0001 88a8 0064\n\
        \t0x0010:  8100 0007 0800 4500 0028 61be 0000 4006\n\
        \t0x0020:  1ac5 cb00 7142 c000 020a c822 0015 1659\n\
        \t0x0030:  63e8 0000 0000 5002 0400 6b1e 0000\n\
        22:13:21.000000 STP 802.1d, Config, Flags [none], bridge-id 8001.02:00:00:00:00:10.8005, length 43\n\
        \t0x0000:  0180 c200 0000 0200 0000 0010 0026 4242\n\
        \t0x0010:  0300 0000 0000\n";
    let transcript = of(listing);
    assert_eq!(transcript.errors.len(), 0, "{:?}", transcript.errors);
    let lengths: Vec<usize> = transcript
        .frames
        .iter()
        .map(|frame| frame.bytes.len())
        .collect();
    assert_eq!(lengths, [62, 22]);
    assert_eq!(
        transcript.frames[0].bytes[12..20],
        [0x88, 0xa8, 0, 0x64, 0x81, 0, 0, 7]
    );
}

#[test]
fn headers_of_ipv6_between_are_passed_over_and_fragments_made() {
    let frames = of(
        "22:13:20.200000 IP6 2001:db8::1 > 2001:db8:5::2: frag (0|800) 7 > 9: UDP, length 1536\n\
        22:13:20.208000 IP6 2001:db8::1 > 2001:db8:5::2: frag (800|744)\n\
        22:13:20.300000 IP6 2001:db8::1 > 2001:db8::2: HBH 512 > 21: Flags [S], seq 3, win 1024, length 0\n",
    );
    assert_eq!(frames.errors.len(), 0, "{:?}", frames.errors);
    let layers = |nth: usize| {
        wire::Layers::decode(wire::LinkType::ETHERNET, &frames.frames[nth].bytes).network
    };
    let fragment = |nth| match layers(nth) {
        wire::decode::Network::V6(ip) => ip.fragment,
        _ => None,
    };
    assert_eq!(
        (fragment(0), fragment(1)),
        (Some((0, true)), Some((100, false)))
    );
}

#[test]
fn what_nothing_can_be_made_of_is_a_gap_or_an_error() {
    for (line, lost) in [
        (
            "09:00:01.000000 IP 192.0.2.1.1100 > 192.0.2.2.161:  GetRequest(28)  .1.3.6.1.2.1.1.1.0",
            "GetRequest(28)",
        ),
        (
            "09:00:01.000000 IP 192.0.2.1 > 192.0.2.2: ESP(spi=0x12345678,seq=0x1), length 116",
            "ESP",
        ),
        (
            "09:00:01.000000 IP 192.0.2.1 > 224.0.0.22: igmp v3 report, 1 group record(s)",
            "igmp",
        ),
        (
            "09:00:01.000000 IP 192.0.2.1.53 > 192.0.2.2.1025: 7* 1/0/0 TXT \"a\" (43)",
            "TXT",
        ),
        (
            "09:00:01.000000 IP 192.0.2.1.1 > 192.0.2.2.179: Flags [P.], seq 1:31, ack 1, win 5, length 30: RESP \"PING\"",
            "RESP",
        ),
        (
            "09:00:01.000000 IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 36, options (RR 0.0.0.0))\n    \
             192.0.2.1.1 > 192.0.2.2.2: UDP, length 0",
            "options",
        ),
        (
            "09:00:01.000000 IP 192.0.2.49.1025 > 53.0.0.2.80: Flags [S], seq 7, win 64240, length 0\n\
             E..(..@.@......15....",
            "E..(",
        ),
    ] {
        let strict = exactly(line);
        let [error] = strict.errors.as_slice() else {
            panic!("{line}: {:?}", strict.errors);
        };
        assert!(error.to_string().contains(lost), "{error}");
        assert!(error.to_string().contains("--exact"), "{error}");
        let transcript = of(line);
        assert_eq!(
            (transcript.errors.len(), transcript.frames.len()),
            (0, 1),
            "{line}"
        );
        assert!(transcript.frames[0].gaps.contains(&Gap::Told), "{line}");
    }
}

#[test]
fn reports_of_listeners_cookies_and_lives_of_answers_are_made() {
    let one = |listing: &str| {
        let transcript = exactly(listing);
        assert_eq!(transcript.errors, [], "{listing}");
        transcript.frames[0].bytes.clone()
    };
    let plain = "10:02:12.598480 IP6 fe80::d > ff02::16: HBH ICMP6, multicast listener report v2, 2 group record(s), length 48";
    let verbose = "10:02:12.598480 IP6 (hlim 1, next-header Options (0) payload length: 56) fe80::d > ff02::16: HBH (rtalert: 0x0000) \
        (padn) [icmp6 sum ok] ICMP6, multicast listener report v2, 2 group record(s) [gaddr ff02::1:ff00:21 to_ex { }] \
        [gaddr ff02::fb allow { fe80::1 }]";
    let bytes = one(plain);
    assert_eq!(bytes.len(), 14 + 40 + 8 + 48);
    assert_eq!(bytes[54..62], [58, 0, 5, 2, 0, 0, 1, 0]);
    assert_eq!(bytes[62..64], [143, 0]);
    assert_eq!(bytes[68..74], [0, 2, 4, 0, 0, 0]);
    let sought = one(
        "10:57:18.489087 ARP, Request who-has 192.0.2.190 (ff:ff:ff:ff:ff:ff) tell 192.0.2.190, length 28",
    );
    assert_eq!(sought[32..38], [0xff; 6]);
    let stamp = "10:43:45.231089 IP 192.0.2.10 > 192.0.2.33: ICMP time stamp reply id 7 seq 0: org 00:00:00.000, recv 10:43:45.231, \
        xmit 10:43:45.231, length 20";
    assert_eq!(one(stamp)[46..50], 38_625_231_u32.to_be_bytes());
    let transcript = exactly(verbose);
    assert_eq!(
        transcript.errors.len(),
        1,
        "two records and a source are 64 bytes, not 48"
    );
    let verbose = verbose.replace("length: 56", "length: 72");
    let bytes = one(&verbose);
    assert_eq!(bytes[90..94], [5, 0, 0, 1]);
    let cookie = "10:22:45.000000 IP 192.0.2.1.1025 > 192.0.2.53.53: 7+ [1au] A? a.example. ar: . OPT UDPsize=1232 DO [COOKIE 0102030405060708] (50)";
    let bytes = one(cookie);
    assert_eq!(
        bytes[42 + 27..42 + 27 + 23],
        *b"\0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08"
    );
    let answer = "10:22:45.000000 IP 192.0.2.53.53 > 192.0.2.1.1025: 7* q: A? a.example. 1/0/0 a.example. [5m3s] A 192.0.2.80 (43)";
    let bytes = one(answer);
    assert_eq!(bytes[42 + 33..42 + 37], 303_u32.to_be_bytes());
}

#[test]
fn bytes_of_other_link_layers_are_not_taken_for_others() {
    // BSD loopback, in which no Ethernet header stands.
    let loopback = "10:22:45.000000 IP 192.0.2.1.1025 > 192.0.2.2.80: Flags [S], seq 7, win 64240, length 0\n\
        \t0x0000:  0200 0000 4500 0028 0001 0000 4006 f6cb\n\
        \t0x0010:  c000 0201 c000 0202 0401 0050 0000 0007\n\
        \t0x0020:  0000 0000 5002 faf0 0000 0000\n";
    let transcript = of(loopback);
    assert_eq!((transcript.errors.len(), transcript.frames.len()), (1, 0));
    // The line tells of others than the bytes.
    let other = "10:22:45.000000 IP 192.0.2.1.1025 > 192.0.2.3.80: Flags [S], seq 7, win 64240, length 0\n\
        \t0x0000:  4500 0028 0001 0000 4006 f6cb c000 0201\n\
        \t0x0010:  c000 0202 0401 0050 0000 0007 0000 0000\n\
        \t0x0020:  5002 faf0 0000 0000\n";
    let transcript = of(other);
    assert_eq!((transcript.errors.len(), transcript.frames.len()), (1, 0));
    let right = other.replace("192.0.2.3.80", "192.0.2.2.80");
    assert_eq!(of(&right).errors, []);
}

#[test]
fn behind_a_cooked_header_the_packet_is_taken_as_it_is() {
    let packet = "4500 0028 0001 0000 4006 f6cb c000 0201\n\
        \t0x0020:  c000 0202 0401 0050 0000 0007 0000 0000\n\
        \t0x0030:  5002 faf0 0000 0000\n";
    let line = "IP 192.0.2.1.1025 > 192.0.2.2.80: Flags [S], seq 7, win 64240, length 0\n";
    let cooked = format!(
        "10:22:45.000000 {line}\t0x0000:  0000 0001 0006 0200 5e00 5301 0000 0800\n\t0x0010:  {packet}"
    );
    let cooked_2 = format!(
        "10:22:45.000000 eth0  In  {line}\t0x0000:  0800 0000 0000 0002 0001 0006 0200 5e00\n\t0x0010:  5301 0000 4500 0028 0001 0000 4006 f6cb\n\
        \t0x0020:  c000 0201 c000 0202 0401 0050 0000 0007\n\t0x0030:  0000 0000 5002 faf0 0000 0000\n"
    );
    for listing in [cooked, cooked_2] {
        let bytes = of(&listing).frames[0].bytes.clone();
        assert_eq!(bytes.len(), 14 + 40);
        assert_eq!(bytes[6..12], [2, 0, 0x5e, 0, 0x53, 1]);
        assert_eq!(bytes[14..18], [0x45, 0, 0, 0x28]);
    }
    let with_columns = "10:22:45.000000 lo    In  ifindex 1 02:00:5e:00:53:01 ethertype IPv4 (0x0800), length 60: 192.0.2.1.1025 > 192.0.2.2.80: Flags [S], seq 7, win 64240, length 0";
    let bytes = of(with_columns).frames[0].bytes.clone();
    assert_eq!((bytes.len(), &bytes[6..8]), (54, &[2, 0][..]));
}
