//! Thresholds of port scans.

use crate::config::Config;

section! {
    /// When SYNs are a scan.
    Scan "scan" {
        crafted_ports: usize,
        crafted_hosts: usize,
        torn: usize,
        raw_ports: usize,
        raw_hosts: usize,
        ports: usize,
        refused_ports: usize,
        open_and_refused: usize,
        refused_rows: usize,
        friend_ports: usize,
        sweep_hosts: usize,
        stranger_hosts: usize,
        scattered_hosts: usize,
        mixed: usize,
        friendly_percent: usize,
        sweep_shape_ports: usize,
        sweep_shape_hosts: usize,
        mute_after: u64,
        related: Vec<Vec<u16>>,
    }
}
section! {
    /// When flags that no session holds are a scan.
    OddFlags "odd_flags" {
        contacts: usize,
        packets: u64,
        other_ports: usize,
    }
}
section! {
    /// When what a session's middle looks like is a scan.
    Stray "stray" {
        contacts: usize,
        reset_contacts: usize,
        lockstep: usize,
        reset_ports: usize,
        counted: usize,
    }
}
section! {
    /// When datagrams are a scan.
    UdpScan "udp_scan" {
        unreachable_ports: usize,
        silent_ports: usize,
    }
}

impl Scan {
    /// By which of its ports a service is known that has several.
    pub(super) fn service(&self, port: u16) -> u16 {
        let row = self.related.iter().find(|row| row.contains(&port));
        row.and_then(|row| row.first().copied()).unwrap_or(port)
    }
}

/// All thresholds of this family.
pub(super) struct Limits {
    pub(super) scan: Scan,
    pub(super) odd_flags: OddFlags,
    pub(super) stray: Stray,
    pub(super) udp_scan: UdpScan,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        Limits {
            scan: config.get(),
            odd_flags: config.get(),
            stray: config.get(),
            udp_scan: config.get(),
        }
    }
}
