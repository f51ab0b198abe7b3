//! What is to be changed: plain data, checked when a rewriter is made of it.

use wire::MacAddress;

use super::address::AddressMap;
use super::error::RewriteError;
use super::port::PortMap;

/// The last VLAN identifier that IEEE 802.1Q leaves to users.
const LAST_VLAN: u16 = 4094;
/// The packet that each network must carry whole, RFC 791 section 3.2: the largest header and eight bytes.
const LEAST_MTU: usize = 68;
/// The MTU of Ethernet, RFC 894.
const ETHERNET_MTU: usize = 1500;

/// What is to be changed. The default changes nothing, and refuses packets beyond the MTU of Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Sender of all frames.
    pub source_mac: Option<MacAddress>,
    /// Receiver of all frames but those to group addresses, which only [`Rewrite::mac_maps`] changes.
    pub destination_mac: Option<MacAddress>,
    /// Hardware addresses, from and to. The first that matches wins; the two fields above win over all.
    pub mac_maps: Vec<(MacAddress, MacAddress)>,
    /// IP addresses. The first map that matches wins.
    pub addresses: Vec<AddressMap>,
    /// Ports of TCP and UDP. The first map that matches wins.
    pub ports: Vec<PortMap>,
    /// What becomes of VLAN tags.
    pub vlan: Vlan,
    /// What becomes of checksums.
    pub checksums: Checksums,
    /// Bytes that the interface takes behind the link header. VLAN tags do not count, LLC headers do.
    pub mtu: usize,
    /// What becomes of packets beyond the MTU.
    pub oversize: Oversize,
    /// What becomes of frames that were captured only in part.
    pub cut: Cut,
    /// Whether addresses differ from pass to pass.
    pub unique: bool,
    /// Number of passes, which only [`Rewrite::unique`] needs to know.
    pub passes: u32,
}

/// What becomes of VLAN tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vlan {
    /// They stay.
    #[default]
    Keep,
    /// All of them go.
    Remove,
    /// The outermost gets this identifier and keeps its priority; a frame without tags gets one.
    Set(u16),
}

/// What becomes of checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// They follow what changes, so that a right one stays right and a wrong one wrong by as much.
    #[default]
    Adjust,
    /// They are worked out anew, for captures taken where the network card was to do that. Sums that fragments share,
    /// and those of packets that are not whole, are adjusted.
    Fix,
}

/// What becomes of packets beyond the MTU. Frames that carry no IP cannot be made smaller: they are refused, or else
/// skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oversize {
    /// They are an error.
    #[default]
    Refuse,
    /// They become fragments, with DF or without.
    Fragment,
    /// They lose their end; lengths and checksums are put right.
    Truncate,
    /// They are left out.
    Skip,
}

/// What becomes of frames that were captured only in part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// They get zeros up to their length on the wire, and a transport checksum for that.
    #[default]
    Pad,
    /// They are sent as they are.
    Send,
    /// They are left out.
    Skip,
}

impl Default for Rewrite {
    fn default() -> Self {
        Rewrite {
            source_mac: None,
            destination_mac: None,
            mac_maps: Vec::new(),
            addresses: Vec::new(),
            ports: Vec::new(),
            vlan: Vlan::Keep,
            checksums: Checksums::Adjust,
            mtu: ETHERNET_MTU,
            oversize: Oversize::Refuse,
            cut: Cut::Pad,
            unique: false,
            passes: 1,
        }
    }
}

impl Rewrite {
    /// Whether a whole Ethernet frame within the MTU leaves as it came.
    pub(super) fn changes_nothing(&self) -> bool {
        self.source_mac.is_none()
            && self.destination_mac.is_none()
            && self.mac_maps.is_empty()
            && self.addresses.is_empty()
            && self.ports.is_empty()
            && self.vlan == Vlan::Keep
            && self.checksums == Checksums::Adjust
            && !self.unique
    }

    /// Refuses what cannot be done.
    pub(super) fn check(&self) -> Result<(), RewriteError> {
        for map in &self.addresses {
            map.check()?;
            if self.unique {
                map.check_passes(self.passes)?;
            }
        }
        for map in &self.ports {
            map.check()?;
        }
        match self.vlan {
            Vlan::Set(id) if id > LAST_VLAN => return Err(RewriteError::VlanIdentifier(id)),
            _ => {}
        }
        if self.mtu < LEAST_MTU {
            return Err(RewriteError::MtuTooSmall(self.mtu));
        }
        if self.unique && self.passes == 0 {
            return Err(RewriteError::NoPasses);
        }
        Ok(())
    }
}
