//! Hardware addresses, in the Ethernet header and in what ARP and neighbour discovery say of them.

use wire::MacAddress;

use super::plan::Rewrite;

/// The bit of the first byte that marks addresses of groups, IEEE 802 clause 8.2.2. Broadcast has it too.
const GROUP: u8 = 1;
/// What ARP says of an address it does not know.
const UNKNOWN: [u8; 6] = [0; 6];

/// What became of a frame's hardware addresses.
pub(super) struct MacChange<'a> {
    /// Destination and source.
    before: [[u8; 6]; 2],
    after: [[u8; 6]; 2],
    maps: &'a [(MacAddress, MacAddress)],
}

impl<'a> MacChange<'a> {
    /// Changes the header of an Ethernet frame.
    #[inline]
    pub(super) fn apply(plan: &'a Rewrite, frame: &mut [u8]) -> Self {
        let mut change = MacChange {
            before: [UNKNOWN; 2],
            after: [UNKNOWN; 2],
            maps: &plan.mac_maps,
        };
        let Some((header, _)) = frame.split_first_chunk_mut::<12>() else {
            return change;
        };
        let (addresses, _) = header.as_chunks_mut::<6>();
        let [destination, source] = addresses else {
            return change;
        };
        change.before = [*destination, *source];
        let forced = plan.destination_mac.filter(|_| {
            let [first, ..] = *destination;
            first & GROUP == 0
        });
        *destination = forced.map_or_else(|| mapped(change.maps, *destination), |mac| mac.0);
        *source = plan
            .source_mac
            .map_or_else(|| mapped(change.maps, *source), |mac| mac.0);
        change.after = [*destination, *source];
        change
    }

    /// Where an address goes that the frame names further up: with the header's where it is one of these, else by the maps.
    pub(super) fn follow(&self, address: [u8; 6]) -> [u8; 6] {
        let ([old_to, old_from], [to, from]) = (self.before, self.after);
        match address {
            UNKNOWN => address,
            known if known == old_from => from,
            known if known == old_to => to,
            other => mapped(self.maps, other),
        }
    }
}

fn mapped(maps: &[(MacAddress, MacAddress)], address: [u8; 6]) -> [u8; 6] {
    let found = maps.iter().find(|(from, _)| from.0 == address);
    found.map_or(address, |(_, to)| to.0)
}
