//! Frames from an interface, with the kernel's time stamps.
//!
//! A packet socket with a ring of blocks that kernel and process share (TPACKET_V3): the kernel fills a block and hands
//! it over when it is full or a few milliseconds old, so that a fast line costs one wake-up for thousands of frames and
//! a slow one no delay. It is what libpcap uses; without libpcap nothing needs to be installed to build this.
//!
//! Frames come as they were on the wire: VLAN tags that the kernel has taken off are put back. Both directions are
//! heard, but on the loopback interface, where each frame passes twice, what comes in only.
//!
//! Sources: packet(7); Documentation/networking/packet_mmap.rst of Linux.

mod block;
mod error;
mod ring;
mod socket;

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use wire::LinkType;
use wire::capture::Record;

pub use error::ListenError;

use block::{Cursor, Tag};
use ring::Ring;
use socket::PacketSocket;

/// At the end, frames that the kernel has counted and not handed over are waited for so long. It hands over a block
/// that is not full after some [`ring::RETIRE_MILLIS`]; this is for a kernel that miscounts.
const PATIENCE: Duration = Duration::from_millis(500);

/// Listens on one interface.
pub struct Listener {
    interface: String,
    link_type: LinkType,
    // Before the socket: the memory is unmapped while the socket that owns it is open.
    ring: Ring,
    socket: PacketSocket,
    phase: Phase,
    delivered: u64,
    statistics: Statistics,
    /// Where a frame gets its VLAN tag back.
    scratch: Vec<u8>,
}

/// How far a listener has come.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Listening,
    /// Since then nothing new is taken, and what the kernel holds is handed over.
    Stopped(Instant),
    /// The same, since the interface vanished.
    Gone(Instant),
}

/// What the kernel has counted since the listener was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that were put into the ring.
    pub taken: u64,
    /// Frames for which the ring had no room.
    pub dropped: u64,
}

/// What a listener has heard.
pub enum Heard<'a> {
    /// Frames.
    Frames(Block<'a>),
    /// Nothing in the time given.
    Silence,
    /// Nothing more will come: the listener was stopped, and all that the kernel held has been handed over.
    End,
}

impl Listener {
    /// Opens a socket and takes frames from now on, from all of the interface's traffic.
    ///
    /// # Errors
    /// Fails on an interface that does not exist, is down or has frames of another kind than Ethernet and IP, and where
    /// packet sockets are not permitted.
    pub fn open(interface: &str) -> Result<Listener, ListenError> {
        let failed = |error: socket::Failure| error.at(interface);
        let socket = PacketSocket::open(interface).map_err(failed)?;
        let hardware = socket.hardware_type().map_err(failed)?;
        let Some(link_type) = link_type(hardware) else {
            return Err(ListenError::UnsupportedType {
                interface: interface.to_owned(),
                name: hardware_name(hardware),
                number: hardware,
            });
        };
        if hardware == libc::ARPHRD_LOOPBACK {
            socket.ignore_outgoing().map_err(failed)?;
        }
        let ring = Ring::map(&socket).map_err(failed)?;
        socket.listen().map_err(failed)?;
        Ok(Listener {
            interface: interface.to_owned(),
            link_type,
            ring,
            socket,
            phase: Phase::Listening,
            delivered: 0,
            statistics: Statistics::default(),
            scratch: Vec::new(),
        })
    }

    /// The name of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// What its frames begin with.
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Waits until frames have come, a signal has, or the time has passed; the last two are silence.
    ///
    /// # Errors
    /// Fails once the interface has gone and all that came before has been handed over, and when the system fails.
    pub fn next_block(&mut self, timeout: Duration) -> Result<Heard<'_>, ListenError> {
        if !self.ring.is_ready() {
            if let Some(end) = self.end()? {
                return end;
            }
            self.wait(timeout)?;
        } else if self.ring.is_at_start() {
            // Once a round, since the kernel counts in 32 bits: a fast line fills them in an hour.
            self.statistics()?;
        }
        match self.ring.block().and_then(Cursor::new) {
            Some(cursor) => Ok(Heard::Frames(Block {
                cursor,
                listener: self,
            })),
            None => Ok(Heard::Silence),
        }
    }

    /// Takes nothing more from the interface. What the kernel holds is still handed over, then comes the end.
    ///
    /// # Errors
    /// Fails when the system does.
    pub fn stop(&mut self) -> Result<(), ListenError> {
        if let Phase::Listening = self.phase {
            self.socket
                .reject_all()
                .map_err(|error| error.at(&self.interface))?;
            self.phase = Phase::Stopped(Instant::now());
        }
        Ok(())
    }

    /// What the kernel has counted.
    ///
    /// # Errors
    /// Fails when the system does.
    pub fn statistics(&mut self) -> Result<Statistics, ListenError> {
        let news = (self.socket.statistics()).map_err(|error| error.at(&self.interface))?;
        // The kernel counts what it drops among what came, and begins anew at each look.
        let dropped = u64::from(news.tp_drops);
        self.statistics.taken += u64::from(news.tp_packets).saturating_sub(dropped);
        self.statistics.dropped += dropped;
        Ok(self.statistics)
    }

    /// How it ended, if it has.
    fn end<'a>(&mut self) -> Result<Option<Result<Heard<'a>, ListenError>>, ListenError> {
        let (Phase::Stopped(since) | Phase::Gone(since)) = self.phase else {
            return Ok(None);
        };
        if self.delivered < self.statistics()?.taken && since.elapsed() < PATIENCE {
            return Ok(None);
        }
        Ok(Some(match self.phase {
            Phase::Gone(_) => Err(ListenError::Gone {
                interface: self.interface.clone(),
            }),
            _ => Ok(Heard::End),
        }))
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), ListenError> {
        let timeout = Timespec::try_from(timeout).ok();
        let mut events = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut events, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                return Err(socket::Failure::new("wait for frames", error).at(&self.interface));
            }
        }
        let [event] = events;
        if !event.revents().contains(PollFlags::ERR) {
            return Ok(());
        }
        match self.socket.pending_error() {
            Ok(()) => Ok(()),
            Err(failure) if failure.is_down() => {
                if let Phase::Listening = self.phase {
                    self.phase = Phase::Gone(Instant::now());
                }
                Ok(())
            }
            Err(failure) => Err(failure.at(&self.interface)),
        }
    }
}

/// Frames that came one after the other. The kernel gets their memory back when this is dropped.
pub struct Block<'a> {
    listener: &'a mut Listener,
    cursor: Cursor,
}

impl Block<'_> {
    /// The next frame, or `None` after the last.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "it lends, which Iterator cannot"
    )]
    pub fn next(&mut self) -> Option<Record<'_>> {
        let Listener {
            ring,
            link_type,
            scratch,
            ..
        } = &mut *self.listener;
        let slot = self.cursor.next(ring.block()?)?;
        let tag = slot.tag.filter(|_| *link_type == LinkType::ETHERNET);
        let (bytes, added) = match tag {
            None => (slot.bytes, 0),
            Some(tag) => (tag.put_back(slot.bytes, scratch), Tag::LENGTH),
        };
        Some(Record {
            time: slot.time,
            link_type: *link_type,
            original_length: slot.original_length + added,
            bytes,
        })
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        self.listener.delivered += u64::from(self.cursor.frames());
        self.listener.ring.give_back();
    }
}

/// Hardware types that `libc` does not name.
const ARPHRD_RAWIP: u16 = 519;
const ARPHRD_IP6GRE: u16 = 823;
const ARPHRD_NETLINK: u16 = 824;

/// What frames of an interface begin with, by its ARP hardware type (`include/uapi/linux/if_arp.h`).
fn link_type(hardware: u16) -> Option<LinkType> {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::ETHERNET),
        // tun and WireGuard; modems.
        libc::ARPHRD_NONE | ARPHRD_RAWIP => Some(LinkType::RAW),
        _ => None,
    }
}

/// What people call the hardware types that they may meet.
fn hardware_name(hardware: u16) -> &'static str {
    match hardware {
        libc::ARPHRD_INFINIBAND => "InfiniBand",
        libc::ARPHRD_CAN => "CAN",
        libc::ARPHRD_PPP => "PPP",
        libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 => "IP in IP",
        libc::ARPHRD_SIT => "IPv6 in IPv4",
        libc::ARPHRD_IPGRE | ARPHRD_IP6GRE => "GRE",
        libc::ARPHRD_IEEE80211 | libc::ARPHRD_IEEE80211_PRISM | libc::ARPHRD_IEEE80211_RADIOTAP => {
            "802.11 monitor"
        }
        ARPHRD_NETLINK => "netlink",
        _ => "unknown hardware",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_begin_as_the_interface_says() {
        assert_eq!(link_type(libc::ARPHRD_ETHER), Some(LinkType::ETHERNET));
        assert_eq!(link_type(libc::ARPHRD_LOOPBACK), Some(LinkType::ETHERNET));
        assert_eq!(link_type(libc::ARPHRD_NONE), Some(LinkType::RAW));
        assert_eq!(link_type(libc::ARPHRD_PPP), None);
        assert_eq!(hardware_name(libc::ARPHRD_PPP), "PPP");
        assert_eq!(hardware_name(4711), "unknown hardware");
    }

    #[test]
    fn an_interface_that_does_not_exist_is_named() {
        match Listener::open("no-such-if0") {
            Err(error @ ListenError::NoSuchInterface { .. }) => {
                assert!(error.to_string().contains("no-such-if0"));
            }
            // Without permission nobody learns which interfaces there are.
            Err(ListenError::NotPermitted { .. }) => {}
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
}
