//! The packet socket: those calls that `rustix` does not offer, and what their failure means.
//!
//! Source: packet(7).
#![expect(
    unsafe_code,
    reason = "rustix has neither link-layer addresses nor the options of packet sockets"
)]

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with, sockopt};

use super::error::ListenError;

/// Every protocol, in network byte order as the kernel wants it.
const ALL_PROTOCOLS: u16 = 0x0003_u16.to_be();

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    action: &'static str,
    error: io::Error,
}

impl Failure {
    pub(super) fn new(action: &'static str, error: impl Into<io::Error>) -> Failure {
        Failure {
            action,
            error: error.into(),
        }
    }

    fn is(&self, errno: Errno) -> bool {
        self.error.raw_os_error() == Some(errno.raw_os_error())
    }

    pub(super) fn is_down(&self) -> bool {
        self.is(Errno::NETDOWN)
    }

    /// What it means for that interface.
    pub(super) fn at(self, interface: &str) -> ListenError {
        let interface = interface.to_owned();
        if self.is(Errno::NODEV) || self.is(Errno::NXIO) {
            ListenError::NoSuchInterface { interface }
        } else if self.is_down() {
            ListenError::Down { interface }
        } else if self.is(Errno::PERM) || self.is(Errno::ACCESS) {
            ListenError::NotPermitted { interface }
        } else {
            ListenError::System {
                interface,
                action: self.action,
                source: self.error,
            }
        }
    }
}

/// A packet socket of one interface.
pub(super) struct PacketSocket {
    socket: OwnedFd,
    index: c_int,
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl PacketSocket {
    /// A socket that knows its interface and takes no frames yet: it has no protocol.
    pub(super) fn open(interface: &str) -> Result<PacketSocket, Failure> {
        let (family, flags) = (AddressFamily::PACKET, SocketFlags::CLOEXEC);
        let socket = socket_with(family, SocketType::RAW, flags, None)
            .map_err(|error| Failure::new("open a packet socket", error))?;
        let index = netdevice::name_to_index(&socket, interface)
            .map_err(|error| Failure::new("find the interface", error))?;
        let socket = PacketSocket {
            socket,
            index: c_int::try_from(index)
                .map_err(|_| Failure::new("find the interface", Errno::NODEV))?,
        };
        socket.bind(0)?;
        Ok(socket)
    }

    fn bind(&self, protocol: u16) -> Result<(), Failure> {
        // SAFETY: all of it is integers, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
        address.sll_family = AddressFamily::PACKET.as_raw();
        address.sll_protocol = protocol;
        address.sll_ifindex = self.index;
        // SAFETY: the address is whole and of the length given, and the call only reads it.
        let result = unsafe {
            libc::bind(
                self.socket.as_raw_fd(),
                (&raw const address).cast(),
                length_of::<libc::sockaddr_ll>(),
            )
        };
        check("bind to the interface", result)
    }

    /// The ARP hardware type of the interface.
    pub(super) fn hardware_type(&self) -> Result<u16, Failure> {
        // SAFETY: all of it is integers, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
        let mut length = length_of::<libc::sockaddr_ll>();
        // SAFETY: the kernel writes at most `length` bytes, which is the size of the address.
        let result = unsafe {
            libc::getsockname(
                self.socket.as_raw_fd(),
                (&raw mut address).cast(),
                &raw mut length,
            )
        };
        check("ask for the interface's type", result)?;
        Ok(address.sll_hatype)
    }

    /// Leaves out the frames that the interface sends.
    pub(super) fn ignore_outgoing(&self) -> Result<(), Failure> {
        let yes: c_int = 1;
        self.set(
            "leave out outgoing frames",
            libc::PACKET_IGNORE_OUTGOING,
            &yes,
        )
    }

    /// Makes the ring that is to be mapped.
    pub(super) fn make_ring(&self, request: &libc::tpacket_req3) -> Result<(), Failure> {
        let version = libc::tpacket_versions::TPACKET_V3 as c_int;
        self.set("choose TPACKET_V3", libc::PACKET_VERSION, &version)?;
        self.set("make a ring of blocks", libc::PACKET_RX_RING, request)
    }

    /// Takes frames from now on: those of all protocols, and those that are for others, too.
    pub(super) fn listen(&self) -> Result<(), Failure> {
        let everything = libc::packet_mreq {
            mr_ifindex: self.index,
            mr_type: u16::try_from(libc::PACKET_MR_PROMISC).unwrap_or(1),
            mr_alen: 0,
            mr_address: [0; 8],
        };
        self.set(
            "hear frames for others",
            libc::PACKET_ADD_MEMBERSHIP,
            &everything,
        )?;
        self.bind(ALL_PROTOCOLS)?;
        // That the interface is down is no error of the call.
        self.pending_error()
    }

    /// Takes no frames from now on, by a filter that none passes. What the ring holds stays.
    pub(super) fn reject_all(&self) -> Result<(), Failure> {
        let mut refuse = libc::sock_filter {
            code: 0x06, // BPF_RET | BPF_K: so many bytes are taken, none.
            jt: 0,
            jf: 0,
            k: 0,
        };
        let program = libc::sock_fprog {
            len: 1,
            filter: &raw mut refuse,
        };
        self.set_at(
            libc::SOL_SOCKET,
            "stop taking frames",
            libc::SO_ATTACH_FILTER,
            &program,
        )
    }

    /// What the kernel has counted since the last call.
    pub(super) fn statistics(&self) -> Result<libc::tpacket_stats_v3, Failure> {
        let mut statistics = libc::tpacket_stats_v3 {
            tp_packets: 0,
            tp_drops: 0,
            tp_freeze_q_cnt: 0,
        };
        let mut length = length_of::<libc::tpacket_stats_v3>();
        // SAFETY: the kernel writes at most `length` bytes, which is the size of the value.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        check("ask for statistics", result)?;
        Ok(statistics)
    }

    /// An error that the kernel has noted, which this clears.
    pub(super) fn pending_error(&self) -> Result<(), Failure> {
        match sockopt::socket_error(&self.socket) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) | Err(error) => Err(Failure::new("listen", error)),
        }
    }

    fn set<T>(&self, action: &'static str, option: c_int, value: &T) -> Result<(), Failure> {
        self.set_at(libc::SOL_PACKET, action, option, value)
    }

    fn set_at<T>(
        &self,
        level: c_int,
        action: &'static str,
        option: c_int,
        value: &T,
    ) -> Result<(), Failure> {
        // SAFETY: the value is whole and of the length given, and the call only reads it. A pointer within it (of the
        // filter) is to a local of the caller.
        let result = unsafe {
            libc::setsockopt(
                self.socket.as_raw_fd(),
                level,
                option,
                std::ptr::from_ref(value).cast(),
                length_of::<T>(),
            )
        };
        check(action, result)
    }
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(libc::socklen_t::MAX)
}

fn check(action: &'static str, result: c_int) -> Result<(), Failure> {
    if result == 0 {
        Ok(())
    } else {
        Err(Failure::new(action, io::Error::last_os_error()))
    }
}
