//! What the detector counted besides findings: no frame is passed over without a name for it.

/// Frames and entries, by what happened to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames looked at.
    pub frames: u64,
    /// IPv6 packets.
    pub ipv6: u64,
    /// Frames with a VLAN tag.
    pub vlan_tagged: u64,
    /// Frames with LLC framing.
    pub llc: u64,
    /// Fragments that hold no transport header; no rule looks at them.
    pub later_fragments: u64,
    /// Frames of a link type or network protocol that is not decoded.
    pub unknown_type: u64,
    /// Frames that end within a header.
    pub cut_short: u64,
    /// Frames whose headers contradict themselves.
    pub malformed: u64,
    /// Frames whose time lies before that of an earlier one; the clock then stands still.
    pub clock_ran_back: u64,
    /// Segments of sessions whose beginning was not seen.
    pub without_beginning: u64,
    /// Questions judged before their time because too many waited for an answer.
    pub judged_early: u64,
    /// Entries that had to make room in full tables, by table.
    pub evicted: Vec<(&'static str, u64)>,
}

impl Counters {
    /// Names and values, those that are zero left out.
    pub fn named(&self) -> Vec<(String, u64)> {
        let fixed = [
            ("frames", self.frames),
            ("IPv6 packets", self.ipv6),
            ("VLAN-tagged frames", self.vlan_tagged),
            ("LLC frames", self.llc),
            ("later fragments", self.later_fragments),
            ("frames of unknown type", self.unknown_type),
            ("frames cut short", self.cut_short),
            ("malformed frames", self.malformed),
            ("frames out of time order", self.clock_ran_back),
            ("segments without a beginning", self.without_beginning),
            ("questions judged early", self.judged_early),
        ];
        fixed
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(
                self.evicted
                    .iter()
                    .map(|(table, value)| (format!("evicted from {table}"), *value)),
            )
            .filter(|(_, value)| *value > 0)
            .collect()
    }
}
