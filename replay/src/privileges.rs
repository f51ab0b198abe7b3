//! Giving up privileges once the interface is open (capabilities(7)).

use std::io;

use rustix::process::{Gid, Uid};
use rustix::thread::{self, CapabilitySet, CapabilitySets};

use crate::error::ReplayError;

/// The user and group that run without a name: `nobody` and `nogroup` on most systems.
pub const NOBODY: (u32, u32) = (65534, 65534);

/// Gives up all capabilities for good and, where that is possible, becomes another user: `user`, a user id and a group
/// id. Somebody who is not root stays who he is. To be called before threads are started, which inherit it.
///
/// # Errors
/// What the system says; nothing may be sent then.
pub fn drop_all(user: (u32, u32)) -> Result<(), ReplayError> {
    keep(CapabilitySet::empty(), user)
}

/// The same with all capabilities but those, as far as there are any.
///
/// # Errors
/// What the system says.
pub(crate) fn keep(kept: CapabilitySet, user: (u32, u32)) -> Result<(), ReplayError> {
    let fails = |error: rustix::io::Errno| ReplayError::System {
        what: "give up privileges".to_owned(),
        error: io::Error::from(error),
    };
    thread::set_no_new_privs(true).map_err(fails)?;
    let capabilities = thread::capabilities(None).map_err(fails)?;
    if capabilities.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().iter() {
            // Those that this kernel does not know cannot be taken away, nor had.
            let _ = thread::remove_capability_from_bounding_set(capability);
        }
    }
    let kept = kept & capabilities.permitted;
    if rustix::process::geteuid().is_root() && user.0 != 0 {
        if !kept.is_empty() {
            thread::set_keep_capabilities(true).map_err(fails)?;
        }
        become_user(Uid::from_raw(user.0), Gid::from_raw(user.1)).map_err(fails)?;
    }
    let left = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    thread::set_capabilities(None, left).map_err(fails)
}

/// Inside a user namespace there may be no other user to become; then giving up capabilities has to do.
fn become_user(user: Uid, group: Gid) -> Result<(), rustix::io::Errno> {
    let unmapped = |error: rustix::io::Errno| match error {
        rustix::io::Errno::INVAL | rustix::io::Errno::PERM => Ok(()),
        other => Err(other),
    };
    thread::set_thread_groups(&[]).or_else(unmapped)?;
    thread::set_thread_res_gid(group, group, group).or_else(unmapped)?;
    thread::set_thread_res_uid(user, user, user).or_else(unmapped)
}
