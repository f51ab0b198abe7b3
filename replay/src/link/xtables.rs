//! What rules of iptables and ip6tables (iptables-extensions(8)) send elsewhere: TEE. Their newer form keeps rules in nftables;
//! the older has tables of its own, which are copied whole out of the kernel.
//!
//! What is known to leave packets where they are is named here; everything else may send them anywhere. Source:
//! linux/netfilter/x_tables.h and xt_TEE.h, linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h.
#![expect(
    unsafe_code,
    reason = "options of sockets that no crate with a safe interface knows"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::attribute::text;
use super::{Detour, Interface, Side, Target};

/// Names of tables of the older form, a line each.
const NAMES: [&str; 2] = [
    "/proc/thread-self/net/ip_tables_names",
    "/proc/thread-self/net/ip6_tables_names",
];
/// No more is read of them: five tables there are.
const NAMES_BYTES: usize = 4096;
/// IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; ip6tables has the same numbers.
const GET_INFO: libc::c_int = 64;
const GET_ENTRIES: libc::c_int = 65;
/// Bytes of a name of a table, of a `struct ipt_getinfo`, and before the entries in a `struct ipt_get_entries`.
const NAME_BYTES: usize = 32;
const INFO_BYTES: usize = 84;
const BEFORE_ENTRIES: usize = 40;
/// Where the size of all entries stands in the former.
const INFO_SIZE: usize = 80;
/// No table is larger; a million rules have some 200 MB.
const LARGEST: usize = 1 << 30;
/// How often to ask again when a table has changed between two questions.
const TRIES: usize = 5;

/// What the detours of this module go by.
const BY: &str = "a rule of iptables";

/// Targets of the kernel's own that look, count, mark, drop, answer or change packets, and send none elsewhere by
/// themselves. Those of a rule that only counts or jumps have no name.
const HARMLESS: [&str; 41] = [
    "",
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNPT",
    "DSCP",
    "ECN",
    "ERROR",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "MASQUERADE",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "RATEEST",
    "REJECT",
    "SAME",
    "SECMARK",
    "SET",
    "SNAT",
    "SNPT",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
    // Of bridges and ARP: frames stay in the bridge, or go to its host.
    "arpreply",
    "dnat",
    "mark",
    "redirect",
    "snat",
];

/// Targets by which the machine takes packets for its own that are for others, or may.
const TAKING: [&str; 5] = ["DNAT", "MIRROR", "NETMAP", "REDIRECT", "TPROXY"];

/// Where a target sends packets besides, given its data.
pub(super) fn read_target(name: &str, data: &[u8], interfaces: &[Interface]) -> Option<Target> {
    if HARMLESS.contains(&name) {
        return None;
    }
    if TAKING.contains(&name) {
        return Some(Target::Machine);
    }
    // struct xt_tee_tginfo: an address of 16 bytes, the name of an interface.
    let through = data.get(16..32).map(text).unwrap_or_default();
    let through = interfaces.iter().find(|one| one.name == through);
    Some(match (name, through) {
        ("TEE", Some(interface)) => Target::Leaves(interface.index),
        ("TEE", None) => {
            Target::Unreadable("a rule of iptables that copies to an address (TEE)".to_owned())
        }
        _ => Target::Unreadable(format!("a rule of iptables with {name}")),
    })
}

/// The layout of a family's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// iptables.
    Four,
    /// ip6tables.
    Six,
}

impl Family {
    /// Where `target_offset` stands in an entry; `next_offset` is behind it.
    fn offsets(self) -> usize {
        match self {
            Family::Four => 88,
            Family::Six => 140,
        }
    }
}

/// The detours of the entries of a table.
pub fn read_entries(family: Family, entries: &[u8], interfaces: &[Interface]) -> Vec<Detour> {
    let half = |bytes: &[u8], at: usize| {
        let half = bytes.get(at..at.checked_add(2)?)?;
        Some(usize::from(u16::from_ne_bytes(half.try_into().ok()?)))
    };
    let mut detours = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let read = || {
            let next = half(rest, family.offsets() + 2)?;
            let target = rest.get(half(rest, family.offsets())?..next)?;
            // struct xt_entry_target: its size, a name of 29 bytes, a revision, data.
            let name = text(target.get(2..31)?);
            Some((next, read_target(&name, target.get(32..)?, interfaces)))
        };
        let damaged = || Target::Unreadable("a damaged table of iptables".to_owned());
        let (next, target) = read().unwrap_or_else(|| (rest.len(), Some(damaged())));
        detours.extend(target.map(|target| Detour {
            at: None,
            side: Side::In,
            by: BY,
            target,
        }));
        rest = rest.get(next.max(1)..).unwrap_or_default();
    }
    detours
}

/// The tables of the older form in the namespace in which it was opened.
pub(super) struct Tables {
    families: Vec<(Family, OwnedFd, File)>,
}

impl Tables {
    /// Opens what there is; a kernel without them has none. To be called with the privileges to read them.
    pub(super) fn open() -> io::Result<Tables> {
        let mut families = Vec::new();
        let ways = [
            (Family::Four, AddressFamily::INET),
            (Family::Six, AddressFamily::INET6),
        ];
        for ((family, addresses), path) in ways.into_iter().zip(NAMES) {
            let names = match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            // Neither bound nor written to: its options are all that is wanted.
            let flags = SocketFlags::CLOEXEC;
            let Ok(socket) = socket_with(addresses, SocketType::DGRAM, flags, None) else {
                continue;
            };
            families.push((family, socket, names));
        }
        Ok(Tables { families })
    }

    /// The detours of all tables.
    ///
    /// # Errors
    /// What the system says; that it is not permitted.
    pub(super) fn detours(&self, interfaces: &[Interface]) -> io::Result<Vec<Detour>> {
        let mut detours = Vec::new();
        for (family, socket, names) in &self.families {
            let mut bytes = [0; NAMES_BYTES];
            let length = names.read_at(&mut bytes, 0)?;
            let names = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
            for name in names.lines() {
                let entries = entries(*family, socket, name)?;
                detours.extend(read_entries(*family, &entries, interfaces));
            }
        }
        detours.sort();
        detours.dedup();
        Ok(detours)
    }
}

/// The entries of a table.
fn entries(family: Family, socket: &OwnedFd, table: &str) -> io::Result<Vec<u8>> {
    let named = |bytes: usize| {
        let mut buffer = vec![0; bytes];
        let length = table.len().min(NAME_BYTES - 1);
        if let (Some(to), Some(name)) = (buffer.get_mut(..length), table.as_bytes().get(..length)) {
            to.copy_from_slice(name);
        }
        buffer
    };
    let mut tried = 0;
    loop {
        let mut info = named(INFO_BYTES);
        option(family, socket, GET_INFO, &mut info)?;
        let size = info.get(INFO_SIZE..INFO_SIZE + 4).unwrap_or_default();
        let size = u32::from_ne_bytes(size.try_into().unwrap_or_default());
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if length > LARGEST {
            return Err(io::Error::other("a table of iptables is too large"));
        }
        let mut all = named(BEFORE_ENTRIES + length);
        if let Some(place) = all.get_mut(NAME_BYTES..NAME_BYTES + 4) {
            place.copy_from_slice(&size.to_ne_bytes());
        }
        match option(family, socket, GET_ENTRIES, &mut all) {
            Ok(()) => return Ok(all.split_off(BEFORE_ENTRIES)),
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) && tried < TRIES => tried += 1,
            Err(error) => return Err(error),
        }
    }
}

fn option(
    family: Family,
    socket: &OwnedFd,
    option: libc::c_int,
    value: &mut [u8],
) -> io::Result<()> {
    let level = match family {
        Family::Four => libc::IPPROTO_IP,
        Family::Six => libc::IPPROTO_IPV6,
    };
    let mut length = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the kernel writes at most as many bytes as the buffer has, which `length` says, and the buffer outlives the
    // call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
