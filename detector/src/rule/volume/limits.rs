//! Thresholds of floods by volume.

section! {
    /// When packets are a flood.
    Limits "volume" {
        datagrams: u64,
        reflected: u64,
        echoes: u64,
        segments: u64,
        lookups: u64,
        lookups_once_percent: u64,
        drain_per_second: u64,
        echo_drain_per_second: u64,
        answered_echo_drain_per_second: u64,
    }
}
