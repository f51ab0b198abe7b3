//! SCTP in the terms of TCP, as far as its handshake resembles that one: INIT opens, INIT ACK accepts, COOKIE ECHO completes,
//! ABORT refuses or ends, DATA says something. RFC 9260 sections 3.3 and 5.1.
//!
//! Not modelled: several chunks in a packet (the first one decides), several addresses of one end, and numbers beyond the
//! handshake, which here count as unknown.

use wire::Flags;

use crate::segment::Segment;

/// Its number in IP.
pub(crate) const SCTP: u8 = 132;

/// Header of a chunk of data.
const DATA_HEADER: u16 = 16;

/// Types of chunks.
const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
const SHUTDOWN: [u8; 3] = [7, 8, 14];

/// The segment that a packet stands for; `None` where it is cut off before its first chunk says what it is.
pub(crate) fn segment(packet: &[u8]) -> Option<Segment> {
    let &[
        a,
        b,
        c,
        d,
        t,
        u,
        v,
        w,
        _,
        _,
        _,
        _,
        kind,
        _,
        high,
        low,
        ref body @ ..,
    ] = packet
    else {
        return None;
    };
    let verification = u32::from_be_bytes([t, u, v, w]);
    let initiation = match body {
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => 0,
    };
    let answered = verification.wrapping_add(1);
    let (flags, sequence, acknowledgment) = match kind {
        INIT => (Flags::SYN, initiation, 0),
        INIT_ACK => (Flags::SYN | Flags::ACK, initiation, answered),
        ABORT => (Flags::RST | Flags::ACK, 0, answered),
        kind if SHUTDOWN.contains(&kind) => (Flags::FIN | Flags::ACK, 0, 0),
        _ => (Flags::ACK, 0, 0),
    };
    let length = u16::from_be_bytes([high, low]);
    Some(Segment {
        sport: u16::from_be_bytes([a, b]),
        dport: u16::from_be_bytes([c, d]),
        sequence,
        acknowledgment,
        flags,
        payload: match kind {
            DATA => u32::from(length.saturating_sub(DATA_HEADER)),
            _ => 0,
        },
        window: 0,
        raw: false,
        options: true,
        sctp: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: [u8; 4] = [0, 0, 0, 9];

    fn packet(tag: [u8; 4], kind: u8, length: u16) -> Vec<u8> {
        let ports = [0x9c, 0x40, 0x09, 0x99];
        let [high, low] = length.to_be_bytes();
        [&ports[..], &tag, &[0; 4], &[kind, 0, high, low], &TAG].concat()
    }

    #[test]
    fn the_handshake_is_that_of_tcp() {
        let init = segment(&packet([0; 4], INIT, 20)).unwrap();
        assert!(init.flags.is_exactly(Flags::SYN));
        assert_eq!((init.sport, init.dport, init.sequence), (40_000, 2457, 9));
        let refused = segment(&packet(TAG, ABORT, 4)).unwrap();
        assert!(refused.flags.is_exactly(Flags::RST | Flags::ACK));
        assert_eq!(refused.acknowledgment, 10);
        let data = segment(&packet(TAG, DATA, 46)).unwrap();
        assert_eq!(data.payload, 30);
        assert!(segment(&[0; 12]).is_none());
    }
}
