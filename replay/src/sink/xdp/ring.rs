//! Memory shared with the kernel, and the rings in it: one side produces entries, the other consumes them.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

/// Descriptors in each ring, and chunks of memory: enough that the kernel never waits for us, and 8 MiB in all.
pub(super) const RING: u32 = 2048;

/// Memory that is unmapped when dropped.
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    /// New memory.
    pub(super) fn anonymous(length: usize) -> io::Result<Mapping> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        Mapping::new(length, flags, -1, 0)
    }

    fn new(length: usize, flags: i32, descriptor: i32, offset: i64) -> io::Result<Mapping> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses the address, so that no other memory is touched.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), length, access, flags, descriptor, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast());
        let start = start.ok_or_else(|| io::Error::other("memory was mapped at address 0"))?;
        Ok(Mapping { start, length })
    }

    /// Its first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nobody refers to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// A ring of [`RING`] entries. Its two positions run on and wrap; an entry's place is its position modulo the size.
pub(super) struct Ring {
    /// Keeps the ring mapped.
    _mapping: Mapping,
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    entries: NonNull<u8>,
}

impl Ring {
    /// Maps a ring of a socket: where its parts lie, how many bytes its entries have, at which page it is found.
    pub(super) fn map(
        socket: &OwnedFd,
        offsets: &libc::xdp_ring_offset,
        entries_bytes: usize,
        page: libc::off_t,
    ) -> io::Result<Ring> {
        let at = |offset: u64| usize::try_from(offset).unwrap_or_default();
        let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
        let length = at(offsets.desc) + entries_bytes;
        let mapping = Mapping::new(length, flags, socket.as_raw_fd(), page)?;
        // SAFETY: the kernel has told these offsets, which lie within the length it maps and are aligned.
        unsafe {
            Ok(Ring {
                producer: mapping.start.add(at(offsets.producer)).cast(),
                consumer: mapping.start.add(at(offsets.consumer)).cast(),
                entries: mapping.start.add(at(offsets.desc)),
                _mapping: mapping,
            })
        }
    }

    /// How many entries were ever produced.
    pub(super) fn produced(&self) -> u32 {
        // SAFETY: mapped as long as the ring lives, aligned, and only ever accessed atomically.
        unsafe { self.producer.as_ref() }.load(Ordering::Acquire)
    }

    /// How many entries were ever consumed.
    pub(super) fn consumed(&self) -> u32 {
        // SAFETY: as above.
        unsafe { self.consumer.as_ref() }.load(Ordering::Acquire)
    }

    /// Entries that are produced and not consumed.
    pub(super) fn waiting(&self) -> u32 {
        self.produced().wrapping_sub(self.consumed())
    }

    /// The entry at that position. It may be accessed by the side whose turn it is.
    pub(super) fn entry<T>(&self, position: u32) -> *mut T {
        // SAFETY: the ring has room for RING entries of the type it was mapped for.
        unsafe {
            let entries = self.entries.as_ptr().cast::<T>();
            entries.add((position % RING) as usize)
        }
    }

    /// Hands over entries that were written.
    pub(super) fn publish(&self, count: u32) {
        let position = self.produced().wrapping_add(count);
        // SAFETY: as above.
        unsafe { self.producer.as_ref() }.store(position, Ordering::Release);
    }

    /// Hands back entries that were read.
    pub(super) fn consume(&self, count: u32) {
        let position = self.consumed().wrapping_add(count);
        // SAFETY: as above.
        unsafe { self.consumer.as_ref() }.store(position, Ordering::Release);
    }
}
