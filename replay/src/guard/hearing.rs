//! Which frames the machine itself hears and answers: those for the hardware address of one of its interfaces, or for many,
//! with an IP address that is its own. Answers go by its routes, wherever the questions came from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use wire::{Layers, LinkType, MacAddress};

use crate::guard::{Refusal, Rule};
use crate::link::Network;

/// What this machine hears, and where its answers go.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// The interface that frames are sent to.
    pub(super) interface: String,
    /// The hardware addresses of all its interfaces.
    pub(super) hardware: BTreeSet<MacAddress>,
    /// Networks of which each address is its own, or a broadcast to it.
    pub(super) own: BTreeSet<IpNet>,
    /// What lets it take packets for its own that are for others, if anything does.
    pub(super) takes_all: Option<&'static str>,
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
        let answered = !to.is_loopback() && (self.takes_all.is_some() || self.is_own(to));
        answered.then_some(to)
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.own.iter().any(|net| net.contains(&address))
    }

    /// Refuses a frame whose answer could leave the lab.
    pub(super) fn check(&self, frame: &[u8], number: u64) -> Result<(), Refusal> {
        let Some(way_out) = &self.way_out else {
            return Ok(());
        };
        let Some(to) = self.answers(frame) else {
            return Ok(());
        };
        let hears = match self.takes_all.filter(|_| !self.is_own(to)) {
            Some(by) => format!("which {by} lets this machine answer, as if it were its own"),
            None => "at which this machine hears, and would answer it".to_owned(),
        };
        Err(Refusal {
            rule: Rule::NoWayOut,
            what: format!("frame {number} is for {to}, {hears}: {way_out}"),
            lift: format!(
                "a namespace of its own has no way out (`unshare --net`, --netns); with another --destination-mac nobody \
                 hears it; if that is a lab's network: --allow-physical {}",
                self.interface
            ),
        })
    }
}

/// Whether a machine hears, or may hear, more than it did: it has further addresses of its own, one of its interfaces has
/// another hardware address, or it takes what is for others.
pub(crate) fn hears_more(before: &Network, now: &Network) -> bool {
    // Answers for an address of a link stay on it.
    let leaves_link = |net: &&IpNet| match net.addr() {
        IpAddr::V6(address) => !address.is_unicast_link_local(),
        IpAddr::V4(address) => !address.is_loopback(),
    };
    let mut own = now.own.iter().filter(leaves_link);
    let renamed = now.interfaces.iter().any(|one| {
        let was = before.interface(one.index);
        was.is_some_and(|was| was.mac != one.mac)
    });
    let takes = before.takes_all().is_none() && now.takes_all().is_some();
    renamed || takes || own.any(|net| !before.own.contains(net))
}
