//! NTP version 4 between clients and servers, RFC 5905. Moments are nanoseconds since 1970.

/// The port of both ends.
pub const PORT: u16 = 123;
/// Seconds from 1900 to 1970.
const EPOCH: u64 = 2_208_988_800;
/// Version 4; mode 3 asks, mode 4 answers.
const ASKS: u8 = 4 << 3 | 3;
const ANSWERS: u8 = 4 << 3 | 4;
/// Poll interval that clients state: 64 s, as a power of two.
const POLL: u8 = 6;
/// Precision of a server's clock: 2^-23 s, common on present-day hardware.
const PRECISION: i8 = -23;

/// A question as privacy-minded clients send it: all that a server needs not know is zero, and the time is a nonce.
pub fn question(nonce: u64) -> [u8; 48] {
    let mut bytes = [0; 48];
    if let Some(head) = bytes.first_chunk_mut() {
        *head = [ASKS, 0, POLL, 0x20];
    }
    if let Some(transmit) = bytes.last_chunk_mut() {
        *transmit = nonce.to_be_bytes();
    }
    bytes
}

/// A moment in the format of section 6: seconds since 1900 and their 2^-32 parts.
fn moment(at: u64) -> [u8; 8] {
    let seconds = at / 1_000_000_000 + EPOCH;
    let fraction = ((at % 1_000_000_000) << 32) / 1_000_000_000;
    ((seconds << 32) | fraction).to_be_bytes()
}

/// The answer of a server that last set its clock at `set`; `None` when nothing was asked.
pub fn answer(question: &[u8], now: u64, set: u64, upstream: [u8; 4]) -> Option<Vec<u8>> {
    let question: &[u8; 48] = question.first_chunk()?;
    let [head, ..] = *question;
    if head & 7 != ASKS & 7 {
        return None;
    }
    let origin = question.last_chunk::<8>()?;
    // Stratum 2; root delay and dispersion of some milliseconds, in 2^-16 s.
    let mut bytes = vec![ANSWERS, 2, POLL, PRECISION.cast_unsigned()];
    bytes.extend([0, 0, 2, 0x9a, 0, 0, 1, 0x47]);
    bytes.extend(upstream);
    bytes.extend(moment(set));
    bytes.extend(origin);
    bytes.extend(moment(now));
    // Assumption: thirty microseconds from receipt to answer.
    bytes.extend(moment(now + 30_000));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_returns_the_nonce_and_tells_the_time() {
        let answer = answer(&question(7), 1_500_000_000, 0, [192, 0, 2, 1]).unwrap_or_default();
        assert_eq!(answer.len(), 48);
        assert_eq!(answer.get(24..32), Some(7u64.to_be_bytes().as_slice()));
        let now = ((EPOCH + 1) << 32 | 1 << 31).to_be_bytes();
        assert_eq!(answer.get(32..40), Some(now.as_slice()));
    }

    #[test]
    fn only_questions_are_answered() {
        let mut broadcast = question(1);
        if let Some(first) = broadcast.first_mut() {
            *first = 4 << 3 | 5;
        }
        assert_eq!(answer(&broadcast, 0, 0, [0; 4]), None);
        assert_eq!(answer(&[ASKS; 20], 0, 0, [0; 4]), None);
    }
}
