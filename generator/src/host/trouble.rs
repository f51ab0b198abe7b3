//! What can go wrong with a packet on its way.

/// What went wrong with a packet, whichever version of IP tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No way to the network.
    Network,
    /// No such host.
    Host,
    /// Nobody at the port.
    Port,
    /// Nobody who speaks the protocol.
    Protocol,
    /// A filter forbids it.
    Prohibited,
    /// It is larger than the next link takes, and must not be fragmented; the link's MTU, 0 where it is not told.
    TooBig(u16),
    /// The sender is asked to send more slowly.
    Quench,
    /// Its time to live ran out on the way.
    Expired,
    /// Its fragments did not all arrive in time.
    Reassembly,
    /// Its header is wrong at that byte.
    Parameter(u8),
    /// Its source route cannot be followed.
    SourceRoute,
}
