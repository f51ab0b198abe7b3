//! An AF_XDP socket: frames are laid into memory that the kernel shares, and leave through an interface without
//! passing its queue.
//!
//! Faster than a packet socket, and less visible: nobody who listens on the same interface sees the frames, only the
//! other end does. Copy mode, which every interface has; frames larger than a page of memory do not fit.
//! Source: Documentation/networking/af_xdp.rst of Linux.
#![expect(
    unsafe_code,
    reason = "rings shared with the kernel; the maintained crates need C libraries or a licence that ours does not fit"
)]

mod ring;

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use crate::batch::Frames;
use crate::error::ReplayError;
use crate::guard::{Admission, Entry};
use crate::sink::Sink;
use crate::sink::packet_socket::{gone_or, wait_writable};

use ring::{Mapping, RING, Ring};

/// Bytes of a chunk: a page. One frame lies in each.
const CHUNK: u32 = 4096;

/// A socket that sends through one queue of an interface.
pub struct XdpSocket {
    socket: OwnedFd,
    name: String,
    memory: Mapping,
    transmit: Ring,
    completion: Ring,
    /// Chunks that the kernel has not got.
    free: Vec<u64>,
    /// Descriptors given to the kernel that it has not taken yet.
    offered: u32,
}

// SAFETY: the mappings belong to the socket, and only whoever holds it reads or writes them.
unsafe impl Send for XdpSocket {}

impl XdpSocket {
    /// Opens a socket on one queue of the interface that the guard has admitted.
    ///
    /// # Errors
    /// No permission, no AF_XDP in the kernel, no such queue.
    ///
    /// # Panics
    /// When the admission is for another entry: our own mistake.
    pub fn open(admission: &Admission, queue: u32) -> Result<XdpSocket, ReplayError> {
        assert_eq!(
            admission.entry(),
            Entry::Sent,
            "the guard has admitted sending"
        );
        let interface = admission.interface();
        let fails = |error: io::Error| match error.raw_os_error() {
            Some(libc::EINVAL) if queue > 0 => ReplayError::NoQueue {
                name: interface.name.clone(),
                queue,
            },
            _ => gone_or(&interface.name, error, |error| {
                let what = format!("open an AF_XDP socket on {}", interface.name);
                ReplayError::system(what, "CAP_NET_RAW", error)
            }),
        };
        XdpSocket::prepare(&interface.name, interface.index, queue).map_err(fails)
    }

    fn prepare(name: &str, index: u32, queue: u32) -> io::Result<XdpSocket> {
        // SAFETY: socket(2) takes no pointers.
        let descriptor =
            unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new, open, and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let memory = Mapping::anonymous(RING as usize * CHUNK as usize)?;
        register(&socket, &memory)?;
        // The kernel wants the receiver's ring too; nothing is ever put into it.
        for ring in [
            libc::XDP_UMEM_FILL_RING,
            libc::XDP_UMEM_COMPLETION_RING,
            libc::XDP_TX_RING,
        ] {
            set_option(&socket, ring, &RING)?;
        }
        let offsets = ring_offsets(&socket)?;
        let transmit = Ring::map(
            &socket,
            &offsets.tx,
            RING as usize * mem::size_of::<libc::xdp_desc>(),
            libc::XDP_PGOFF_TX_RING,
        )?;
        let completion = Ring::map(
            &socket,
            &offsets.cr,
            RING as usize * mem::size_of::<u64>(),
            libc::XDP_UMEM_PGOFF_COMPLETION_RING.cast_signed(),
        )?;
        bind(&socket, index, queue)?;
        Ok(XdpSocket {
            socket,
            name: name.to_owned(),
            memory,
            transmit,
            completion,
            free: (0..RING)
                .map(|chunk| u64::from(chunk) * u64::from(CHUNK))
                .collect(),
            offered: 0,
        })
    }

    /// Takes back the chunks that the kernel has done with.
    fn reclaim(&mut self) {
        let done = self.completion.waiting();
        let from = self.completion.consumed();
        for place in 0..done {
            // SAFETY: the kernel has published `done` entries from there on, each a chunk's address.
            let address = unsafe {
                let entry = self.completion.entry::<u64>(from.wrapping_add(place));
                entry.read()
            };
            self.free.push(address - address % u64::from(CHUNK));
        }
        self.completion.consume(done);
    }

    /// Lays a frame into a free chunk and describes it; `false` when there is no chunk.
    fn offer(&mut self, frame: &[u8], place: u32) -> bool {
        let Some(chunk) = self.free.pop() else {
            return false;
        };
        let descriptor = libc::xdp_desc {
            addr: chunk,
            len: u32::try_from(frame.len()).unwrap_or(CHUNK),
            options: 0,
        };
        let offset = usize::try_from(chunk).unwrap_or_default();
        let entry = self.transmit.produced().wrapping_add(place);
        // SAFETY: the chunk lies within the memory, is free, and has room for the frame, whose length was checked;
        // the descriptor's place is free because there are as many places as chunks.
        unsafe {
            let target = self.memory.start().as_ptr().add(offset);
            ptr::copy_nonoverlapping(frame.as_ptr(), target, frame.len());
            self.transmit
                .entry::<libc::xdp_desc>(entry)
                .write(descriptor);
        }
        true
    }

    /// Asks the kernel to send what was offered.
    fn kick(&self) -> io::Result<()> {
        // SAFETY: nothing is passed but the socket.
        let sent = unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                ptr::null(),
                0,
                libc::MSG_DONTWAIT,
                ptr::null(),
                0,
            )
        };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            // More is left, or the interface has dropped one and says so.
            Some(libc::EAGAIN | libc::EBUSY | libc::ENOBUFS | libc::EINTR) => Ok(()),
            _ => Err(error),
        }
    }

    /// Has the kernel take what was offered, as far as it will.
    fn push(&mut self) -> Result<(), ReplayError> {
        loop {
            let before = self.transmit.waiting();
            if before == 0 {
                break;
            }
            self.kick().map_err(|error| {
                gone_or(&self.name, error, |error| ReplayError::System {
                    what: format!("send through {}", self.name),
                    error,
                })
            })?;
            if self.transmit.waiting() == before {
                break;
            }
        }
        self.offered = self.transmit.waiting();
        self.reclaim();
        Ok(())
    }
}

impl Sink for XdpSocket {
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError> {
        if self.offered > 0 {
            // What was offered before was counted then; nothing new is offered until it is gone.
            self.push()?;
            if self.offered > 0 {
                return Ok(0);
            }
        }
        let mut count = 0;
        for frame in frames.iter() {
            if bytes_u32(frame.len()) > CHUNK {
                if count > 0 {
                    break;
                }
                return Err(ReplayError::TooLong {
                    length: frame.len(),
                    limit: usize::try_from(CHUNK).unwrap_or_default(),
                    method: "AF_XDP",
                    advice: "leave --xdp out, or give a smaller --mtu with --oversize fragment",
                });
            }
            if !self.offer(frame, count) {
                break;
            }
            count += 1;
        }
        self.transmit.publish(count);
        self.push()?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// A kick without a frame behind it.
    fn rehearse(&mut self) {
        let _ = self.kick();
    }

    fn wait(&mut self, at_most: Duration) {
        wait_writable(&self.socket, at_most);
    }

    fn flush(&mut self) -> Result<(), ReplayError> {
        self.push()
    }
}

fn register(socket: &OwnedFd, memory: &Mapping) -> io::Result<()> {
    // SAFETY: all bits zero are valid for it.
    let mut region: libc::xdp_umem_reg = unsafe { mem::zeroed() };
    region.addr = u64::try_from(memory.start().addr().get()).unwrap_or_default();
    region.len = u64::from(RING) * u64::from(CHUNK);
    region.chunk_size = CHUNK;
    set_option(socket, libc::XDP_UMEM_REG, &region)
}

fn set_option<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = bytes_u32(mem::size_of::<T>());
    // SAFETY: the value is of the length stated and outlives the call, which only reads it.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            option,
            ptr::from_ref(value).cast(),
            length,
        )
    };
    checked(done)
}

fn ring_offsets(socket: &OwnedFd) -> io::Result<libc::xdp_mmap_offsets> {
    // SAFETY: all bits zero are valid for it.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { mem::zeroed() };
    let mut length = bytes_u32(mem::size_of_val(&offsets));
    // SAFETY: both are written within the length stated, and outlive the call.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_MMAP_OFFSETS,
            (&raw mut offsets).cast(),
            &raw mut length,
        )
    };
    checked(done).map(|()| offsets)
}

fn bind(socket: &OwnedFd, index: u32, queue: u32) -> io::Result<()> {
    // SAFETY: all bits zero are valid for it.
    let mut address: libc::sockaddr_xdp = unsafe { mem::zeroed() };
    address.sxdp_family = u16::try_from(libc::AF_XDP).unwrap_or_default();
    address.sxdp_flags = libc::XDP_COPY;
    address.sxdp_ifindex = index;
    address.sxdp_queue_id = queue;
    let length = bytes_u32(mem::size_of_val(&address));
    // SAFETY: the address is of the type and length stated, and outlives the call.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })
}

fn checked(done: libc::c_int) -> io::Result<()> {
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn bytes_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
