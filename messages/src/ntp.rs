//! NTP version 4 between clients and servers, RFC 5905. Moments are nanoseconds since 1970.

use crate::bytes::word32;

/// The port of both ends.
pub const PORT: u16 = 123;
/// Bytes of a message without extensions.
pub const BYTES: usize = 48;
/// Seconds from 1900 to 1970.
const EPOCH: u64 = 2_208_988_800;
/// The version of today.
const VERSION: u8 = 4;
/// Mode of who asks, and of who answers.
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// Poll interval that clients state: 64 s, as a power of two.
const POLL: i8 = 6;
/// Precision of a server's clock: 2^-23 s, common on present-day hardware.
const PRECISION: i8 = -23;
/// The same of a client that does not tell: 2^32 s.
const UNTOLD: i8 = 0x20;

/// A message, section 7.3. Times are in the format of section 6, delay and dispersion in 2^-16 s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Whether a leap second is near, or the clock was never set; two bits.
    pub leap: u8,
    /// The version; three bits.
    pub version: u8,
    /// Who speaks to whom; three bits.
    pub mode: u8,
    /// How far from a clock that knows.
    pub stratum: u8,
    /// Seconds between questions, as a power of two.
    pub poll: i8,
    /// How exact the clock is in seconds, as a power of two.
    pub precision: i8,
    /// To that clock and back.
    pub root_delay: u32,
    /// How far off the time may be.
    pub root_dispersion: u32,
    /// Whose time it is.
    pub reference_id: [u8; 4],
    /// When the clock was last set.
    pub reference: u64,
    /// When the question left.
    pub origin: u64,
    /// When it came.
    pub receive: u64,
    /// When this leaves.
    pub transmit: u64,
}

impl Message {
    /// The bytes.
    pub fn emit(&self) -> Vec<u8> {
        let head = (self.leap & 3) << 6 | (self.version & 7) << 3 | (self.mode & 7);
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend([
            head,
            self.stratum,
            self.poll.cast_unsigned(),
            self.precision.cast_unsigned(),
        ]);
        bytes.extend(self.root_delay.to_be_bytes());
        bytes.extend(self.root_dispersion.to_be_bytes());
        bytes.extend(self.reference_id);
        for time in [self.reference, self.origin, self.receive, self.transmit] {
            bytes.extend(time.to_be_bytes());
        }
        bytes
    }

    /// Reads a message; what follows it is not looked at.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let bytes: &[u8; BYTES] = bytes.first_chunk()?;
        let [head, stratum, poll, precision, ..] = *bytes;
        let long = |at: usize| {
            let eight = bytes.get(at..at + 8)?;
            Some(u64::from_be_bytes(eight.try_into().ok()?))
        };
        Some(Message {
            leap: head >> 6,
            version: head >> 3 & 7,
            mode: head & 7,
            stratum,
            poll: poll.cast_signed(),
            precision: precision.cast_signed(),
            root_delay: word32(bytes, 4)?,
            root_dispersion: word32(bytes, 8)?,
            reference_id: word32(bytes, 12)?.to_be_bytes(),
            reference: long(16)?,
            origin: long(24)?,
            receive: long(32)?,
            transmit: long(40)?,
        })
    }
}

/// A question as privacy-minded clients send it: all that a server needs not know is zero, and the time is a nonce.
pub fn question(nonce: u64) -> Vec<u8> {
    let message = Message {
        version: VERSION,
        mode: CLIENT,
        poll: POLL,
        precision: UNTOLD,
        transmit: nonce,
        ..Message::default()
    };
    message.emit()
}

/// A moment in the format of section 6: seconds since 1900 and their 2^-32 parts.
fn moment(at: u64) -> u64 {
    let seconds = at / 1_000_000_000 + EPOCH;
    let fraction = ((at % 1_000_000_000) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

/// The answer of a server that last set its clock at `set`; `None` when nothing was asked.
pub fn answer(question: &[u8], now: u64, set: u64, upstream: [u8; 4]) -> Option<Vec<u8>> {
    let asked = Message::parse(question).filter(|asked| asked.mode == CLIENT)?;
    let answer = Message {
        version: VERSION,
        mode: SERVER,
        stratum: 2,
        poll: POLL,
        precision: PRECISION,
        // Some milliseconds.
        root_delay: 0x029a,
        root_dispersion: 0x0147,
        reference_id: upstream,
        reference: moment(set),
        origin: asked.transmit,
        receive: moment(now),
        // Assumption: thirty microseconds from receipt to answer.
        transmit: moment(now + 30_000),
        ..Message::default()
    };
    Some(answer.emit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_returns_the_nonce_and_tells_the_time() {
        let answer = answer(&question(7), 1_500_000_000, 0, [192, 0, 2, 1]).unwrap_or_default();
        assert_eq!(answer.len(), 48);
        assert_eq!(answer.get(24..32), Some(7u64.to_be_bytes().as_slice()));
        let now = ((EPOCH + 1) << 32 | 1 << 31).to_be_bytes();
        assert_eq!(answer.get(32..40), Some(now.as_slice()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::array::uniform32(any::<u8>()), more in proptest::array::uniform16(any::<u8>())) {
            let bytes = [bytes.as_slice(), &more].concat();
            prop_assert_eq!(Message::parse(&bytes).map(|message| message.emit()), Some(bytes));
        }
    }

    #[test]
    fn only_questions_are_answered() {
        let mut broadcast = question(1);
        if let Some(first) = broadcast.first_mut() {
            *first = 4 << 3 | 5;
        }
        assert_eq!(answer(&broadcast, 0, 0, [0; 4]), None);
        assert_eq!(answer(&question(1)[..20], 0, 0, [0; 4]), None);
    }
}
