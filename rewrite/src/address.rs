//! Address maps as users write them: `192.0.2.0/24=10.1.0.0/16`.

use std::fmt;

use ipnet::IpNet;

/// Addresses of one prefix become addresses of another and keep their host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressMap {
    /// What is mapped.
    pub from: IpNet,
    /// Where it goes.
    pub to: IpNet,
}

impl fmt::Display for AddressMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.from, self.to)
    }
}
