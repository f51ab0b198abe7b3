//! What passes inside TLS, as far as lengths tell it.

/// A session of TLS, since its client's hello.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sealed {
    /// Segments of the client since then; the first of them ends the handshake.
    said: u8,
    /// How many answers were as long as one of the two before: a challenge, and what is said of its solution.
    pub(crate) again: u8,
    /// Bytes that the client has said since the handshake.
    pub(crate) asked: u32,
    /// Bytes that it was answered.
    pub(crate) answered: u32,
    /// Bytes of the longest answer to what came after its first question, which may be what the server can.
    pub(crate) longest: u32,
    last: [u32; 2],
}

impl Sealed {
    /// Takes in what one side said.
    pub(super) fn carry(&mut self, from_originator: bool, length: u32) {
        if from_originator {
            self.said = self.said.saturating_add(1);
        }
        if self.questions() == 0 {
            return;
        }
        if from_originator {
            self.asked = self.asked.saturating_add(length);
            return;
        }
        self.answered = self.answered.saturating_add(length);
        if self.questions() > 1 {
            self.longest = self.longest.max(length);
        }
        if self.last.contains(&length) {
            self.again = self.again.saturating_add(1);
        }
        let [_, before] = self.last;
        self.last = [before, length];
    }

    /// Segments of the client since the handshake.
    pub(crate) fn questions(&self) -> u8 {
        self.said.saturating_sub(1)
    }

    /// Those among them that were not answered like one before.
    pub(crate) fn turns(&self) -> u8 {
        self.questions().saturating_sub(self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_after_one_another_are_one_turn_again_and_again() {
        let mut sealed = Sealed::default();
        sealed.carry(true, 80);
        sealed.carry(false, 510);
        for _ in 0..3 {
            sealed.carry(true, 44);
            sealed.carry(false, 26);
            sealed.carry(true, 80);
            sealed.carry(false, 74);
        }
        assert_eq!((sealed.questions(), sealed.again), (6, 4));
        assert_eq!((sealed.asked, sealed.answered), (372, 300));
        assert_eq!(sealed.longest, 74);
        assert_eq!(sealed.turns(), 2);
    }
}
