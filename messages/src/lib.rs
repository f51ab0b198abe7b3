//! Messages of application protocols, each once in the workspace: from values to bytes, and from any bytes to values.
//!
//! Like `wire`, nothing here judges: a message says what it is told to say. Reading never fails by a panic; what cannot be
//! read is `None`. The crate knows nobody else of the workspace.

pub mod back_orifice;
mod bytes;
pub mod dhcp;
pub mod dns;
pub mod netbios;
pub mod ntp;
pub mod rpc;
pub mod snmp;
pub mod tftp;
pub mod xdmcp;
