//! What changes in a namespace: the kernel says so by itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use netlink_sys::Socket;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::nftables;

/// Groups of messages, from linux/rtnetlink.h: links, traffic control, and for IPv4 and IPv6 addresses, multicast routes,
/// routes, rules, and the switches of forwarding; routes of MPLS; next hops. A bridge's ports are links.
const GROUPS: [u32; 15] = [1, 4, 5, 6, 7, 8, 9, 10, 11, 19, 24, 25, 27, 29, 32];

/// Hears of changes.
pub(crate) struct News {
    sockets: Vec<Socket>,
}

impl News {
    pub(crate) fn open() -> io::Result<News> {
        let mut sockets = vec![listen(NETLINK_ROUTE, &GROUPS)?];
        // Without netfilter, or the capability to hear of it, there is nothing to hear.
        sockets.extend(listen(NETLINK_NETFILTER, &[nftables::GROUP]).ok());
        Ok(News { sockets })
    }

    /// Waits for a change or something to read there, at most that long.
    pub(crate) fn wait(&self, other: &impl AsFd, at_most: Duration) -> Waited {
        let other = PollFd::new(other, PollFlags::IN);
        let own = self.sockets.iter();
        let own = own.map(|socket| PollFd::new(socket, PollFlags::IN));
        let mut wanted: Vec<_> = [other].into_iter().chain(own).collect();
        // An interruption is as good as the time having passed.
        let _ = poll(&mut wanted, Some(&timespec(at_most)));
        // All of them, whatever the first had.
        let heard = self.sockets.iter().map(take);
        Waited {
            changed: heard.fold(false, |any, heard| any | heard),
            called: wanted
                .first()
                .is_some_and(|other| !other.revents().is_empty()),
        }
    }
}

/// What ended the waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waited {
    /// Something has changed.
    pub(crate) changed: bool,
    /// There is something to read, or its end.
    pub(crate) called: bool,
}

fn listen(family: isize, groups: &[u32]) -> io::Result<Socket> {
    let mut socket = Socket::new(family)?;
    socket.bind_auto()?;
    for group in groups {
        match socket.add_membership(*group) {
            // A kernel that does not know a group has nothing to say of it.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            joined => joined?,
        }
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// Takes all that has been heard; whether it was anything. Messages that were lost were some, too.
fn take(socket: &Socket) -> bool {
    let mut any = false;
    let mut message = Vec::with_capacity(4096);
    loop {
        message.clear();
        match socket.recv(&mut message, libc::MSG_TRUNC) {
            Ok(_) => any = true,
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => any = true,
            Err(_) => return any,
        }
    }
}

/// A duration as the system wants it.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Wakes up who waits for news.
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    /// A handle to the same bell.
    pub(crate) fn another(&self) -> io::Result<Bell> {
        self.0.try_clone().map(Bell)
    }

    /// Waits until it rings, at most that long.
    pub(crate) fn wait(&self, at_most: Duration) {
        let mut wanted = [PollFd::new(&self.0, PollFlags::IN)];
        // An interruption is as good as the time having passed.
        let _ = poll(&mut wanted, Some(&timespec(at_most)));
    }

    pub(crate) fn ring(&self) {
        // Who has been rung for already wakes up all the same.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
