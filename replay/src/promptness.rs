//! A thread's turn on the processor: at once, whoever else wants it (sched(7), SCHED_FIFO), with all memory at hand (mlock(2)).
//!
//! What it is worth beside compilers is in `docs/src/reference/speed.md`.
#![expect(
    unsafe_code,
    reason = "scheduling policies, which no crate with a safe interface sets"
)]

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, setrlimit};

/// The lowest of the priorities that are all above ordinary programs: nobody else's real-time work is to wait for a replay.
const PRIORITY: libc::c_int = 1;

/// Claims both for this thread and those that it starts from now on; whether the first was granted. It takes CAP_SYS_NICE,
/// and CAP_IPC_LOCK for the memory.
pub fn claim() -> bool {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // What is yet to come is locked only where no limit makes it fail, once the capability has been given up.
    let which = match setrlimit(Resource::Memlock, unlimited) {
        Ok(()) => MlockAllFlags::CURRENT | MlockAllFlags::FUTURE,
        Err(_) => MlockAllFlags::CURRENT,
    };
    // Without it a page may have to be fetched now and then.
    let _ = mlockall(which);
    set(libc::SCHED_FIFO, PRIORITY)
}

/// Gives the turn up again, for this thread: one that is in no hurry would keep the others waiting.
pub(crate) fn give_up() {
    // Where it was not granted there is nothing to give up.
    let _ = is_claimed() && set(libc::SCHED_OTHER, 0);
}

/// Whether this thread has it.
pub(crate) fn is_claimed() -> bool {
    // SAFETY: it takes no pointer.
    unsafe { libc::sched_getscheduler(0) == libc::SCHED_FIFO }
}

fn set(policy: libc::c_int, priority: libc::c_int) -> bool {
    let parameters = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the structure outlives the call, which only reads it.
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_up_by_who_has_it() {
        let thread = std::thread::spawn(|| {
            if set(libc::SCHED_FIFO, PRIORITY) {
                assert!(is_claimed());
            }
            give_up();
            is_claimed()
        });
        assert!(!thread.join().unwrap());
    }
}
