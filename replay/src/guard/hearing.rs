//! Which frames the machine itself hears and answers: those for the hardware address of one of its interfaces, or for many,
//! with an IP address that is its own. Answers go by its routes, wherever the questions came from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use wire::{Layers, LinkType, MacAddress};

use crate::guard::{Refusal, Rule};

/// What this machine hears, and where its answers go.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// The interface that frames are sent to.
    pub(super) interface: String,
    /// The hardware addresses of all its interfaces.
    pub(super) hardware: BTreeSet<MacAddress>,
    /// Networks of which each address is its own.
    pub(super) own: BTreeSet<IpNet>,
    /// How answers could leave the lab, if they could.
    pub(super) way_out: Option<String>,
}

impl Hearing {
    /// The address for which this machine would answer the frame, if it would.
    #[inline]
    pub(super) fn answers(&self, frame: &[u8]) -> Option<IpAddr> {
        let to: [u8; 6] = frame.get(..6)?.try_into().ok()?;
        let many = to[0] & 1 == 1;
        if !many && !self.hardware.contains(&MacAddress(to)) {
            return None;
        }
        let (_, to) = Layers::decode(LinkType::ETHERNET, frame).addresses()?;
        // What comes for a loopback address from elsewhere is dropped.
        let answered = |net: &IpNet| net.contains(&to) && !to.is_loopback();
        self.own.iter().any(answered).then_some(to)
    }

    /// Refuses a frame whose answer could leave the lab.
    pub(super) fn check(&self, frame: &[u8], number: u64) -> Result<(), Refusal> {
        let Some(way_out) = &self.way_out else {
            return Ok(());
        };
        let Some(own) = self.answers(frame) else {
            return Ok(());
        };
        Err(Refusal {
            rule: Rule::NoWayOut,
            what: format!(
                "frame {number} is for {own}, an address of this machine, which would answer it: {way_out}"
            ),
            lift: format!(
                "a namespace of its own has no way out (`unshare --net`, --netns); with another --destination-mac nobody \
                 hears it; if that is a lab's network: --allow-physical {}",
                self.interface
            ),
        })
    }
}
