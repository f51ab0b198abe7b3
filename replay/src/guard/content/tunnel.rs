//! Packets within packets.
//!
//! Sources: RFC 2784 and 2890 (GRE), RFC 2637, draft-foschiano-erspan, RFC 3032 and 4385 (MPLS), RFC 1661 (PPP), RFC 7348
//! (VXLAN), RFC 8926 (Geneve), RFC 4380 (Teredo), 3GPP TS 29.281 (GTP-U).

use super::{Control, Reader, word};

impl Reader {
    pub(super) fn gre(&mut self, bytes: &[u8]) {
        let (Some(flags), Some(protocol)) = (word(bytes, 0), word(bytes, 2)) else {
            return self.unreadable("a cut GRE header");
        };
        let has = |bit: u16| usize::from(flags & bit != 0) * 4;
        let options = match flags & 7 {
            0 if flags & 0x4000 == 0 => has(0x8000) + has(0x2000) + has(0x1000),
            1 => has(0x2000) + has(0x1000) + has(0x0080),
            _ => return self.unreadable("GRE with a route, or of an unknown version"),
        };
        let Some(rest) = bytes.get(4 + options..) else {
            return self.unreadable("a cut GRE header");
        };
        match protocol {
            0x6558 => self.frame(rest),
            0x880b => self.ppp(rest),
            // Type I of ERSPAN has no header of its own.
            0x88be => {
                let header = if flags & 0x1000 == 0 { 0 } else { 8 };
                self.frame_behind(rest, header);
            }
            0x22eb => {
                let more = rest.get(11).is_some_and(|flags| flags & 1 != 0);
                self.frame_behind(rest, if more { 20 } else { 12 });
            }
            // A keep-alive holds nothing.
            _ if rest.is_empty() => {}
            other => self.typed(other, rest),
        }
    }

    fn frame_behind(&mut self, bytes: &[u8], header: usize) {
        match bytes.get(header..) {
            Some(frame) => self.frame(frame),
            None => self.unreadable("a cut header of a mirrored frame"),
        }
    }

    pub(super) fn mpls(&mut self, mut bytes: &[u8]) {
        loop {
            let &[_, _, bottom, _, ref rest @ ..] = bytes else {
                return self.unreadable("a cut MPLS label");
            };
            bytes = rest;
            if bottom & 1 != 0 {
                break;
            }
        }
        match bytes.first().map(|first| first >> 4) {
            Some(4 | 6) => self.ip(bytes),
            // A control word, and an Ethernet frame behind it.
            Some(0) => self.frame_behind(bytes, 4),
            _ => self.frame(bytes),
        }
    }

    pub(super) fn ppp(&mut self, bytes: &[u8]) {
        let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
        let (protocol, rest) = match *bytes {
            [one, ref rest @ ..] if one & 1 != 0 => (u16::from(one), rest),
            [high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]), rest),
            _ => return self.unreadable("a cut PPP header"),
        };
        match protocol {
            0x0021 => self.v4(rest),
            0x0057 => self.v6(rest),
            0x0281 => self.mpls(rest),
            // A line is set up, and who dials is asked for a password.
            0xc021 | 0xc023 | 0xc025 | 0xc223 => self.control(Control::Dialling),
            other => self.unreadable(format!("the unknown PPP protocol {other:#06x}")),
        }
    }

    /// Tunnels by their ports, where they look like what the port promises.
    pub(super) fn in_udp(&mut self, from: u16, to: u16, payload: &[u8]) {
        match (to, payload) {
            // Also with a group policy in place of what is reserved.
            (
                4789 | 8472,
                [0x08, 0, 0, 0, _, _, _, 0, rest @ ..] | [0x88, _, _, _, _, _, _, 0, rest @ ..],
            ) if !rest.is_empty() => {
                self.within("VXLAN", |reader| reader.frame(rest));
            }
            (6081, &[first @ ..=0x3f, _, a, b, _, _, _, 0, ref rest @ ..]) => {
                let behind = rest.get(usize::from(first) * 4..);
                let within = |reader: &mut Reader| match (u16::from_be_bytes([a, b]), behind) {
                    (_, None) => reader.unreadable("a cut Geneve header"),
                    (0x6558, Some(frame)) => reader.frame(frame),
                    (ether_type @ (0x0800 | 0x86dd), Some(rest)) => reader.typed(ether_type, rest),
                    // Nothing that a kernel takes out.
                    _ => {}
                };
                self.within("Geneve", within);
            }
            (4754, &[first, 0, _, _, ..]) if first & 0x4f == 0 => {
                self.within("GRE", |reader| reader.gre(payload));
            }
            (6635, [_, _, _, _, ..]) => self.within("MPLS", |reader| reader.mpls(payload)),
            (2152, &[first, 0xff, _, _, _, _, _, _, ref rest @ ..]) if first >> 4 == 3 => {
                let rest = if first & 7 == 0 {
                    Some(rest)
                } else {
                    rest.get(4..)
                };
                self.within("GTP", |reader| reader.ip(rest.unwrap_or_default()));
            }
            _ if from == 3544 || to == 3544 => self.teredo(payload),
            _ => {}
        }
    }

    fn teredo(&mut self, mut payload: &[u8]) {
        if let [0, 1, identifier, authentication, rest @ ..] = payload {
            let length = usize::from(*identifier) + usize::from(*authentication) + 9;
            payload = rest.get(length..).unwrap_or_default();
        }
        if let [0, 0, rest @ ..] = payload {
            payload = rest.get(6..).unwrap_or_default();
        }
        if payload.first().is_some_and(|first| first >> 4 == 6) {
            self.within("Teredo", |reader| reader.v6(payload));
        }
    }
}
