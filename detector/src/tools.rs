//! Fingerprints of tools, in one place: numbers that a program's author chose, which name it but prove nothing alone.
//!
//! Each says with which certainty. No rule accuses because of a fingerprint; it accuses because of behaviour, and then
//! says whose look it has.

use wire::TcpOption;

/// Sequence numbers that known flooders put into every SYN. The first is that of the Zakath flooder of 1996, which
/// shaft and many copies share; the second is synk4's.
const FLOODERS: [(u32, &str); 2] = [(674_711_609, "shaft"), (674_719_801, "synk4")];

/// The flooder whose sequence number this is.
pub(crate) fn flooder(isn: u32) -> Option<&'static str> {
    FLOODERS
        .iter()
        .find(|(known, _)| *known == isn)
        .map(|(_, name)| *name)
}

/// The scanner that makes such SYNs, by window, options, sequence number and target.
///
/// Sources: nmap's `scan_engine_raw.cc` (segment size alone, window 1024; to 4096 before 2012); masscan's templates
/// (window 1024, no options before 1.3); Mirai's `scanner.c` (sequence number = target address).
pub(crate) fn scanner(
    raw: bool,
    window: u16,
    options: bool,
    isn: u32,
    target: u32,
) -> Option<&'static str> {
    if target != 0 && isn == target {
        return Some("mirai");
    }
    match (raw, window, options) {
        (true, 1024 | 2048 | 3072 | 4096, true) => Some("nmap"),
        (true, 1024, false) => Some("masscan"),
        (true, 65_535, false) => Some("zmap"),
        (true, 512, false) => Some("hping"),
        _ => None,
    }
}

/// Whether a SYN has no options, or the segment size alone with a window that no stack has offered since the
/// nineties while scanners do (nmap 1024 to 4096). Old stacks send the segment size alone too, with windows of 8 KiB
/// and more, or, as Linux 2.0 does, of 512.
pub(crate) fn is_raw(options: &[u8], window: u16) -> bool {
    const RAW_WINDOWS: std::ops::RangeInclusive<u16> = 1024..=4096;
    match options {
        [] => true,
        [2, 4, _, _] => RAW_WINDOWS.contains(&window),
        _ => {
            let mut options = wire::tcp::OptionIter::new(options);
            RAW_WINDOWS.contains(&window)
                && options.all(|option| {
                    matches!(
                        option,
                        TcpOption::Mss(_) | TcpOption::EndOfList | TcpOption::NoOperation
                    )
                })
        }
    }
}

/// Ports of back doors: who asks for them asks whether one is installed. Sources: the port lists of "Firewalls: What
/// am I seeing?", sections 1.1 and 1.4.
pub(crate) const TROJANS: [u16; 22] = [
    555, 1243, 2773, 3129, 6711, 6776, 6969, 12_345, 12_346, 20_034, 21_544, 23_456, 27_374,
    30_100, 31_337, 31_785, 31_789, 37_337, 50_505, 54_320, 54_321, 65_000,
];

/// Whether a port is that of the portmapper, of the mount daemon, or one of the first that Solaris gives to RPC services.
/// Source: the same; RFC 1833.
pub(crate) fn is_rpc(port: u16) -> bool {
    matches!(port, 111 | 635 | 32_770..=32_790)
}

/// Whether a port is one of those that services have by everybody's agreement; above, ports are programs' own. Source: RFC 6335
/// section 6.
#[inline]
pub(crate) fn is_system(port: u16) -> bool {
    port < 1024
}

/// Services that answer whatever comes: echo, daytime, quote of the day, chargen, time. Source: RFC 862, 867, 865, 864, 868.
pub(crate) const ANSWERING: [u16; 5] = [7, 13, 17, 19, 37];

/// Ports of proxies. Same source.
pub(crate) const PROXIES: [u16; 6] = [1080, 3128, 8000, 8001, 8080, 8888];

/// What a rogue-system sensor asks by UDP, first and last of each range. Source: "McAfee Rogue System Detection Sensors",
/// the lists for hosts and for services together.
const SENSOR_UDP: [(u16, u16); 17] = [
    (53, 53),
    (67, 69),
    (123, 123),
    (135, 135),
    (137, 138),
    (161, 161),
    (260, 260),
    (445, 445),
    (500, 500),
    (514, 514),
    (520, 520),
    (1434, 1434),
    (1645, 1646),
    (1812, 1813),
    (2049, 2049),
    (31_337, 31_337),
    (43_981, 43_981),
];

/// What it asks by TCP. Same source.
const SENSOR_TCP: [(u16, u16); 99] = [
    (7, 7),
    (9, 9),
    (11, 11),
    (13, 13),
    (15, 15),
    (19, 19),
    (21, 23),
    (25, 25),
    (43, 43),
    (49, 49),
    (53, 53),
    (66, 68),
    (79, 81),
    (88, 89),
    (98, 98),
    (109, 111),
    (113, 113),
    (118, 119),
    (135, 135),
    (139, 139),
    (143, 143),
    (150, 150),
    (156, 156),
    (256, 259),
    (264, 265),
    (389, 389),
    (396, 396),
    (427, 427),
    (443, 443),
    (445, 445),
    (465, 465),
    (512, 515),
    (524, 524),
    (563, 563),
    (593, 593),
    (636, 636),
    (799, 799),
    (900, 901),
    (1024, 1040),
    (1080, 1080),
    (1214, 1214),
    (1243, 1243),
    (1313, 1313),
    (1352, 1352),
    (1433, 1433),
    (1494, 1494),
    (1498, 1498),
    (1521, 1521),
    (1524, 1525),
    (1541, 1542),
    (1720, 1720),
    (1723, 1723),
    (1745, 1745),
    (1755, 1755),
    (1813, 1813),
    (2000, 2001),
    (2003, 2003),
    (2049, 2049),
    (2080, 2080),
    (2140, 2140),
    (2301, 2301),
    (2447, 2447),
    (2766, 2766),
    (2998, 2998),
    (3128, 3128),
    (3268, 3268),
    (3300, 3300),
    (3306, 3306),
    (3372, 3372),
    (3389, 3389),
    (4045, 4045),
    (4321, 4321),
    (4665, 4665),
    (4899, 4899),
    (5000, 5000),
    (5222, 5222),
    (5556, 5556),
    (5631, 5632),
    (5800, 5802),
    (5900, 5900),
    (6000, 6000),
    (6112, 6112),
    (6346, 6346),
    (6666, 6667),
    (7000, 7001),
    (7070, 7070),
    (7777, 7777),
    (7947, 7947),
    (8000, 8001),
    (8010, 8010),
    (8080, 8081),
    (8100, 8100),
    (8888, 8888),
    (10_000, 10_000),
    (12_345, 12_345),
    (20_034, 20_034),
    (30_821, 30_821),
    (32_768, 32_790),
    (49_152, 65_535),
];

/// Whether a rogue-system sensor asks for that port.
pub(crate) fn is_of_sensor(udp: bool, port: u16) -> bool {
    let list: &[(u16, u16)] = if udp { &SENSOR_UDP } else { &SENSOR_TCP };
    list.iter()
        .any(|(first, last)| (*first..=*last).contains(&port))
}

/// Ports above 1023 of services that answer a short question with a long answer, TA14-017A.
pub(crate) const AMPLIFIERS: [u16; 12] = [
    1900, 3283, 3478, 3702, 5353, 5683, 10_001, 11_211, 17_185, 27_015, 27_960, 37_810,
];

/// Ports below 1024 of such services, TA14-017A: characters, quotes, DNS, TFTP, the portmapper, NTP, NetBIOS, SNMP, CLDAP, RIP.
const SYSTEM_AMPLIFIERS: [u16; 10] = [17, 19, 53, 69, 111, 123, 137, 161, 389, 520];

/// Whether that is the port of a service that answers a short question with a long answer.
pub(crate) fn amplifies(port: u16) -> bool {
    SYSTEM_AMPLIFIERS.contains(&port) || AMPLIFIERS.contains(&port)
}

/// Ports of services by datagram that neighbours ask, if anybody: quotes, characters, discovery, remote desktops, caches,
/// TA14-017A.
pub(crate) const NEIGHBOURLY: [u16; 11] = [
    17, 19, 1900, 3283, 3702, 5353, 5683, 10_001, 11_211, 17_185, 37_810,
];

/// Ports that a traceroute of Unix starts at and walks through, RFC 1393 and the programs.
pub(crate) const TRACE: std::ops::RangeInclusive<u16> = 33_434..=33_700;
