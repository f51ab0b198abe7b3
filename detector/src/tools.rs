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

/// Ports of proxies. Same source.
pub(crate) const PROXIES: [u16; 6] = [1080, 3128, 8000, 8001, 8080, 8888];

/// Ports that a traceroute of Unix starts at and walks through, RFC 1393 and the programs.
pub(crate) const TRACE: std::ops::RangeInclusive<u16> = 33_434..=33_700;
