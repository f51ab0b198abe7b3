//! Who listens: packet sockets on an interface, as tcpdump, Suricata and `crywolf detect` open them.
//!
//! Source: packet(7); net/packet/af_packet.c of Linux prints `/proc/net/packet`.

use std::fs;

use crate::error::ReplayError;
use crate::guard::{Admission, Entry};

/// The sockets of the namespace that the thread is in.
const SOCKETS: &str = "/proc/thread-self/net/packet";

/// Where frames can be heard that go onto an interface.
#[derive(Clone, Copy, Debug)]
pub struct Audience {
    interface: u32,
}

impl Audience {
    /// Those who hear what the guard has admitted.
    ///
    /// # Errors
    /// They are in another namespace, or are no listeners but a program that holds the tap.
    pub fn of(admission: &Admission) -> Result<Audience, ReplayError> {
        let interface = admission.interface();
        let index = match admission.entry() {
            Entry::Written => Some(interface.index),
            Entry::Sent => interface.peer,
        };
        index
            .map(|interface| Audience { interface })
            .ok_or_else(|| ReplayError::UnseenAudience {
                name: interface.name.clone(),
            })
    }

    /// Whether anybody listens now.
    ///
    /// # Errors
    /// What the system says.
    pub fn listens(&self) -> Result<bool, ReplayError> {
        let sockets = fs::read_to_string(SOCKETS).map_err(|error| ReplayError::System {
            what: format!("look for listeners in {SOCKETS}"),
            error,
        })?;
        Ok(listens(&sockets, self.interface))
    }
}

/// Whether one of the sockets takes frames from that interface, or from all.
fn listens(sockets: &str, interface: u32) -> bool {
    sockets.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(3);
        let protocol = fields
            .next()
            .and_then(|text| u16::from_str_radix(text, 16).ok());
        let index = fields.next().and_then(|text| text.parse::<u32>().ok());
        // Without a protocol it only sends.
        protocol.is_some_and(|protocol| protocol != 0)
            && [Some(interface), Some(0)].contains(&index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_take_frames_are_listeners() {
        let sockets = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n\
            0000000000000000 3      3    0003   7     1 0      0      1234\n\
            0000000000000000 3      3    0000   9     1 0      0      1235\n";
        assert!(listens(sockets, 7));
        assert!(!listens(sockets, 9), "it only sends");
        assert!(!listens(sockets, 8));
        assert!(
            listens(&sockets.replace(" 7 ", " 0 "), 8),
            "it takes from all"
        );
        assert!(!listens("", 7));
    }
}
