//! What takes the frames: a tap, a packet socket on an interface, an AF_XDP socket on one, or nothing.

mod packet_socket;
mod tap;
mod xdp;

use std::time::Duration;

use crate::batch::Frames;
use crate::error::ReplayError;

pub use packet_socket::PacketSocket;
pub use tap::{Tap, TapOptions};
pub use xdp::XdpSocket;

/// Takes frames.
pub trait Sink: Send {
    /// Offers frames and returns how many of them were taken, from the front. 0 says that none can be taken just now.
    ///
    /// # Errors
    /// What makes it pointless to try again.
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError>;

    /// Goes the way of a frame as far as it can be gone without one, so that the next finds caches warm. Nothing is sent.
    fn rehearse(&mut self) {}

    /// Waits until it may take frames again, at most that long.
    fn wait(&mut self, _at_most: Duration) {}

    /// Makes the kernel deal with what it has been given, before the end.
    ///
    /// # Errors
    /// As for sending.
    fn flush(&mut self) -> Result<(), ReplayError> {
        Ok(())
    }
}

/// Takes everything and sends nothing, to measure what comes before.
#[derive(Debug, Default)]
pub struct Null;

impl Sink for Null {
    fn send(&mut self, frames: Frames<'_>) -> Result<usize, ReplayError> {
        Ok(frames.len())
    }
}
