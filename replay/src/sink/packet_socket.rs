//! A packet socket (packet(7)): frames leave through an interface, many a system call.
//!
//! sendmmsg(2) through the ordinary transmit path was chosen. PACKET_QDISC_BYPASS saves a tenth at most and hides the
//! frames from those who listen on the same interface; a PACKET_TX_RING takes as much of the kernel's time.
//! `docs/src/reference/speed.md` has the figures.
#![expect(
    unsafe_code,
    reason = "packet sockets, their addresses and sendmmsg have no safe interface in a maintained crate"
)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use crate::batch::{BATCH_FRAMES, Frames};
use crate::error::ReplayError;
use crate::guard::{Admission, Entry};
use crate::sink::Sink;

/// A socket that sends frames through one interface and receives none.
pub struct PacketSocket {
    socket: OwnedFd,
    name: String,
    mtu: usize,
}

impl PacketSocket {
    /// Opens a socket to the interface that the guard has admitted.
    ///
    /// # Errors
    /// No permission, or the interface has gone.
    ///
    /// # Panics
    /// When the admission is for another entry: our own mistake.
    pub fn open(admission: &Admission) -> Result<PacketSocket, ReplayError> {
        assert_eq!(
            admission.entry(),
            Entry::Sent,
            "the guard has admitted sending"
        );
        let interface = admission.interface();
        let fails = |error| ReplayError::system("open a packet socket", "CAP_NET_RAW", error);
        // Protocol 0 receives nothing.
        // SAFETY: socket(2) takes no pointers.
        let descriptor = unsafe { libc::socket(libc::AF_PACKET, SOCKET_TYPE, 0) };
        if descriptor < 0 {
            return Err(fails(io::Error::last_os_error()));
        }
        // SAFETY: the descriptor is new, open, and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        bind(&socket, interface.index).map_err(|error| gone_or(&interface.name, error, fails))?;
        Ok(PacketSocket {
            socket,
            name: interface.name.clone(),
            mtu: interface.mtu,
        })
    }

    #[cold]
    fn fails(&self, error: io::Error, frames: Frames<'_>) -> Result<usize, ReplayError> {
        match error.raw_os_error() {
            // ENOBUFS: the interface's queue is full.
            Some(libc::EAGAIN | libc::EINTR | libc::ENOBUFS | libc::ENOMEM) => Ok(0),
            Some(libc::EMSGSIZE) => Err(ReplayError::TooLong {
                length: frames.iter().next().map_or(0, <[u8]>::len),
                limit: self.mtu,
                method: "the interface",
                advice: "--mtu and --oversize fragment, truncate or skip such frames",
            }),
            _ => Err(gone_or(&self.name, error, |error| ReplayError::System {
                what: format!("send through {}", self.name),
                error,
            })),
        }
    }
}

impl Sink for PacketSocket {
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError> {
        // SAFETY: all bits zero are valid for both: null pointers with lengths of 0.
        let mut pieces: [libc::iovec; BATCH_FRAMES] = unsafe { mem::zeroed() };
        let mut messages: [libc::mmsghdr; BATCH_FRAMES] = unsafe { mem::zeroed() };
        let mut count = 0;
        for ((frame, piece), message) in frames.iter().zip(&mut pieces).zip(&mut messages) {
            piece.iov_base = frame.as_ptr().cast_mut().cast();
            piece.iov_len = frame.len();
            message.msg_hdr.msg_iov = piece;
            message.msg_hdr.msg_iovlen = 1;
            count += 1;
        }
        // SAFETY: the first `count` messages each name one piece, and each piece a frame; all of them outlive the call,
        // which only reads the frames.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                messages.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
            )
        };
        match usize::try_from(sent) {
            Ok(sent) => Ok(sent),
            Err(_) => self.fails(io::Error::last_os_error(), frames),
        }
    }

    /// A byte is no frame: the kernel makes room for it, copies it, and refuses it since it has no Ethernet header
    /// (`dev_validate_header` in include/linux/netdevice.h), which every interface has that the guard admits.
    fn rehearse(&mut self) {
        // SAFETY: the byte outlives the call, which only reads it.
        unsafe {
            libc::send(
                self.socket.as_raw_fd(),
                [0u8].as_ptr().cast(),
                1,
                libc::MSG_DONTWAIT,
            )
        };
    }

    fn wait(&mut self, at_most: Duration) {
        wait_writable(&self.socket, at_most);
    }
}

const SOCKET_TYPE: libc::c_int = libc::SOCK_RAW | libc::SOCK_CLOEXEC;

/// Waits until a socket may be written to. After it says so the queue behind it may still be full: then a short rest.
pub(super) fn wait_writable(socket: &OwnedFd, at_most: Duration) {
    let mut wanted = [rustix::event::PollFd::new(
        socket,
        rustix::event::PollFlags::OUT,
    )];
    let timeout = rustix::time::Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(at_most.subsec_nanos()),
    };
    if rustix::event::poll(&mut wanted, Some(&timeout)).is_ok_and(|ready| ready > 0) {
        std::thread::sleep(REST.min(at_most));
    }
}

/// Long enough for a queue to empty a little, short against the run.
const REST: Duration = Duration::from_micros(20);

fn bind(socket: &OwnedFd, index: u32) -> io::Result<()> {
    // SAFETY: all bits zero are valid for it.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_ifindex = i32::try_from(index).unwrap_or_default();
    let length = u32::try_from(mem::size_of::<libc::sockaddr_ll>()).unwrap_or_default();
    // SAFETY: the address is of the type and length stated, and outlives the call.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(super) fn gone_or(
    name: &str,
    error: io::Error,
    otherwise: impl FnOnce(io::Error) -> ReplayError,
) -> ReplayError {
    match error.raw_os_error() {
        Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV) => ReplayError::Gone {
            name: name.to_owned(),
        },
        _ => otherwise(error),
    }
}
