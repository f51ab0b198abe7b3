//! What changes in a namespace: the kernel says so by itself.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Groups of messages, from linux/rtnetlink.h: links, traffic control, and for IPv4 and IPv6 addresses, multicast routes,
/// routes, rules, and the switches of forwarding; routes of MPLS; next hops. A bridge's ports are links.
const GROUPS: [u32; 15] = [1, 4, 5, 6, 7, 8, 9, 10, 11, 19, 24, 25, 27, 29, 32];

/// Hears of changes.
pub(crate) struct News {
    socket: Socket,
}

impl News {
    pub(super) fn open() -> io::Result<News> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        for group in GROUPS {
            match socket.add_membership(group) {
                // A kernel that does not know a group has nothing to say of it.
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
                joined => joined?,
            }
        }
        socket.set_non_blocking(true)?;
        Ok(News { socket })
    }

    /// Waits for a change or the bell, at most that long; whether there was a change.
    pub(crate) fn wait(&self, bell: &Bell, at_most: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at_most.subsec_nanos()),
        };
        let mut wanted = [
            PollFd::new(&self.socket, PollFlags::IN),
            PollFd::new(&bell.0, PollFlags::IN),
        ];
        // An interruption is as good as the time having passed.
        let _ = poll(&mut wanted, Some(&timeout));
        self.take()
    }

    /// Takes all that has been heard; whether it was anything. Messages that were lost were some, too.
    fn take(&self) -> bool {
        let mut any = false;
        let mut message = Vec::with_capacity(4096);
        loop {
            message.clear();
            match self.socket.recv(&mut message, libc::MSG_TRUNC) {
                Ok(_) => any = true,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => any = true,
                Err(_) => return any,
            }
        }
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

    pub(crate) fn ring(&self) {
        // Who has been rung for already wakes up all the same.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}
