//! eBPF programs that are attached to interfaces as links or by the bpf system call, of which rtnetlink does not tell: tcx and
//! netkit. What a program does cannot be read. Source: bpf(2), linux/bpf.h.
#![expect(
    unsafe_code,
    reason = "a system call that no crate with a safe interface and without C libraries knows"
)]

use std::io;
use std::mem;

use super::{Detour, Interface, Kind, Side, Target};

/// BPF_PROG_QUERY.
const QUERY: libc::c_int = 16;
/// BPF_TCX_INGRESS and BPF_TCX_EGRESS.
const TCX: [(u32, Side); 2] = [(46, Side::In), (47, Side::Out)];
/// BPF_NETKIT_PRIMARY and BPF_NETKIT_PEER: what leaves through one end, and what leaves through the other, which arrives here.
const NETKIT: [(u32, Side); 2] = [(54, Side::Out), (55, Side::In)];

/// The part of a `union bpf_attr` for this command.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Question {
    interface: u32,
    place: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    padding: u32,
    rest: [u64; 4],
}

/// The programs attached to the interfaces.
///
/// # Errors
/// What the system says; that it is not permitted, as in a user namespace.
pub(super) fn detours(interfaces: &[Interface]) -> io::Result<Vec<Detour>> {
    let mut detours = Vec::new();
    for interface in interfaces {
        let netkit = matches!(&interface.kind, Kind::Virtual(kind) if kind == "netkit");
        let places = TCX.iter().chain(NETKIT.iter().filter(|_| netkit));
        for (place, side) in places {
            if count(interface.index, *place)? > 0 {
                detours.push(Detour {
                    at: Some(interface.index),
                    side: *side,
                    by: "an eBPF program",
                    target: Target::Unreadable("an eBPF program (tcx)".to_owned()),
                });
            }
        }
    }
    Ok(detours)
}

/// How many programs are attached there.
fn count(interface: u32, place: u32) -> io::Result<u32> {
    let mut question = Question {
        interface,
        place,
        ..Question::default()
    };
    // SAFETY: the structure is as long as is said, and outlives the call; with a count of 0 the kernel writes no list.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            QUERY,
            &raw mut question,
            mem::size_of::<Question>(),
        )
    };
    if result == 0 {
        return Ok(question.count);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // It does not fit into no room.
        Some(libc::ENOSPC) => Ok(question.count.max(1)),
        // None, no such interface any more, or a kernel without them.
        Some(libc::ENOENT | libc::ENODEV | libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => Ok(0),
        _ => Err(error),
    }
}
