//! The memory that kernel and process share: blocks in a ring, each the kernel's or ours.
#![expect(unsafe_code, reason = "memory that the kernel writes has to be mapped")]

use std::mem::offset_of;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::socket::{Failure, PacketSocket};

/// A block, and so the longest frame: what libpcap takes at most, and four times what segmentation offload makes unless
/// it is told to make more. Longer ones are cut.
const BLOCK_BYTES: usize = 1 << 18;
/// Blocks, in all 64 MiB: at a million small frames a second, some 0.4 s in which the process may be doing other things.
/// At a slower pace blocks are handed over before they are full, and their number is what counts: some 2 s.
const BLOCKS: usize = 256;
/// A block with frames is handed over after so many milliseconds though it is not full.
pub(super) const RETIRE_MILLIS: u32 = 8;

/// Where in a block its status stands.
const STATUS: usize =
    offset_of!(libc::tpacket_block_desc, hdr) + offset_of!(libc::tpacket_hdr_v1, block_status);

/// The ring of a socket, and the block whose turn it is.
pub(super) struct Ring {
    base: NonNull<u8>,
    turn: usize,
}

// SAFETY: the mapping belongs to this value alone, as a boxed slice would.
unsafe impl Send for Ring {}

impl Ring {
    const BYTES: usize = BLOCK_BYTES * BLOCKS;

    /// Makes the ring and maps it.
    pub(super) fn map(socket: &PacketSocket) -> Result<Ring, Failure> {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        socket.make_ring(&libc::tpacket_req3 {
            tp_block_size: narrow(BLOCK_BYTES),
            tp_block_nr: narrow(BLOCKS),
            // Frames have room as they need it; this bounds one by its block.
            tp_frame_size: narrow(BLOCK_BYTES),
            tp_frame_nr: narrow(BLOCKS),
            tp_retire_blk_tov: RETIRE_MILLIS,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        })?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                Ring::BYTES,
                access,
                MapFlags::SHARED,
                socket,
                0,
            )
        };
        let base = base.map_err(|error| Failure::new("map the ring", error))?;
        let base = NonNull::new(base.cast())
            .ok_or_else(|| Failure::new("map the ring", rustix::io::Errno::NOMEM))?;
        Ok(Ring { base, turn: 0 })
    }

    /// Whether it is the first block's turn.
    pub(super) fn is_at_start(&self) -> bool {
        self.turn == 0
    }

    fn start(&self) -> NonNull<u8> {
        // SAFETY: `turn` is below `BLOCKS`, so this stays within the mapping.
        unsafe { self.base.add(self.turn * BLOCK_BYTES) }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: the status lies within the block, is aligned to four bytes as blocks are to pages, and kernel and process
        // access it atomically. The slice that `block` lends is only read while this is not written to.
        unsafe { AtomicU32::from_ptr(self.start().add(STATUS).cast().as_ptr()) }
    }

    /// Whether the block whose turn it is has been handed to us.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        // Acquire: the kernel's writes to the block are seen if this is.
        self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// The block whose turn it is, if it is ours.
    #[inline]
    pub(super) fn block(&self) -> Option<&[u8]> {
        // SAFETY: while the block is ours the kernel does not write to it, and `give_back` needs a borrow that excludes this
        // one. The mapping lives as long as `self`.
        self.is_ready()
            .then(|| unsafe { std::slice::from_raw_parts(self.start().as_ptr(), BLOCK_BYTES) })
    }

    /// Gives the block back to the kernel; it is the next one's turn.
    pub(super) fn give_back(&mut self) {
        // Release: our reads are done when the kernel sees this.
        self.status()
            .store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.turn = (self.turn + 1) % BLOCKS;
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` made, and nothing borrows from it any more. That unmapping fails is not
        // possible for a range that was mapped.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), Ring::BYTES) };
    }
}
