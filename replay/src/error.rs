//! What can go wrong, and what to do about it.

use std::io;

use rewrite::RewriteError;
use wire::capture::CaptureError;

use crate::guard::Refusal;

/// Why frames were not sent, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The guard forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The capture cannot be read, or not to its end.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A frame cannot be rewritten as asked.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// The capture cannot be opened a further time.
    #[error("cannot read the capture again: {0}")]
    Reopen(io::Error),
    /// There is no such interface.
    #[error(
        "there is no interface {name} in this network namespace, only {}; create it, or enter another namespace with --netns",
        known.join(", ")
    )]
    NoInterface {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Who listens cannot be seen.
    #[error(
        "--wait-for-listener cannot see who listens to {name}: it looks at a tap that is written to (--tap), and at the other \
         end of a veth in the same namespace"
    )]
    UnseenAudience {
        /// The name of the interface.
        name: String,
    },
    /// The interface is down.
    #[error("interface {name} is down: `ip link set {name} up` sets it up")]
    Down {
        /// Its name.
        name: String,
    },
    /// The interface's frames have no Ethernet header.
    #[error("interface {name}, {kind}, does not take Ethernet frames: use a tap, veth or dummy")]
    NotEthernet {
        /// Its name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The system does not permit it.
    #[error(
        "no permission to {what}: run as root or with {capability}, or inside `unshare --map-root-user --net`"
    )]
    Permission {
        /// What was tried.
        what: String,
        /// The capability that permits it.
        capability: &'static str,
    },
    /// Taps cannot be had.
    #[error(
        "there is no /dev/net/tun: `modprobe tun` loads it; a veth pair or a dummy with --interface needs none"
    )]
    NoTun,
    /// The permissions of the file behind all taps keep this user out.
    #[error(
        "may not open /dev/net/tun: root can let everybody in with `chmod 666 /dev/net/tun`, as most systems do, since making a tap needs CAP_NET_ADMIN besides"
    )]
    TunForbidden,
    /// Another process holds the tap.
    #[error(
        "another process holds the tap {name}: --interface {name} sends frames to that process, another name makes another tap"
    )]
    TapBusy {
        /// Its name.
        name: String,
    },
    /// An MTU that no tap can have.
    #[error(
        "a tap takes packets of up to {limit} bytes, --mtu {mtu} is more: a veth takes up to 65535"
    )]
    TapMtu {
        /// The MTU asked for.
        mtu: u16,
        /// The largest.
        limit: u16,
    },
    /// The tap has one queue.
    #[error(
        "the tap {name} has one queue and takes one thread: leave --queues out, or make it with `ip tuntap add {name} mode tap multi_queue`"
    )]
    OneQueue {
        /// Its name.
        name: String,
    },
    /// The interface has fewer queues.
    #[error(
        "{name} has no transmit queue {queue}: AF_XDP takes one for each of --queues, and a veth has as many as it was made with (`ip link add ... numtxqueues N`)"
    )]
    NoQueue {
        /// Its name.
        name: String,
        /// The number of the queue, from 0.
        queue: u32,
    },
    /// The name is another interface's.
    #[error(
        "{name} exists and is {kind}, not a tap: choose another name, or send to it with --interface {name}"
    )]
    NotATap {
        /// The name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The system refuses in another way.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What it says.
        error: io::Error,
    },
    /// Interfaces cannot be asked about.
    #[error("cannot ask the kernel about interfaces: {0}")]
    Netlink(io::Error),
    /// The interface went away or down while frames were sent.
    #[error("interface {name} has gone or was set down in the middle of the run")]
    Gone {
        /// Its name.
        name: String,
    },
    /// What the guard would have refused has come about.
    #[error("the network was changed in the middle of the run, after {accepted} frames: {what}\n  forbidden by the rule {rule}", what = refusal.what, rule = refusal.rule)]
    Changed {
        /// What the guard has to say of the network as it is now.
        refusal: Refusal,
        /// Frames that the kernel took before.
        accepted: u64,
    },
    /// The sentry has ended.
    #[error(
        "the network is no longer watched: the process that does so has ended; run the replay again"
    )]
    Unwatched,
    /// Frames go in and none comes out.
    #[error("nobody takes frames from {name}: {waiting} frames were sent to it and not read{hint}")]
    Unread {
        /// Its name.
        name: String,
        /// Frames that the interface has not passed on.
        waiting: u64,
        /// What else to try.
        hint: String,
    },
    /// The next frame does not go in.
    #[error("{name} takes no more frames, after {accepted} that it took{hint}")]
    Refusing {
        /// Its name.
        name: String,
        /// Frames that it took.
        accepted: u64,
        /// What else to try.
        hint: String,
    },
    /// A frame is larger than the socket can take.
    #[error(
        "a frame of {length} bytes is more than {limit}, the most that {method} takes: {advice}"
    )]
    TooLong {
        /// Its bytes.
        length: usize,
        /// The most.
        limit: usize,
        /// The way of sending.
        method: &'static str,
        /// What to do.
        advice: &'static str,
    },
}

impl ReplayError {
    /// An error of the system when trying to do `what`, for which `capability` is needed.
    pub(crate) fn system(
        what: impl Into<String>,
        capability: &'static str,
        error: io::Error,
    ) -> Self {
        let what = what.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied => ReplayError::Permission { what, capability },
            _ => ReplayError::System { what, error },
        }
    }
}
