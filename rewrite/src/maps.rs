//! Maps as users write them: read, and refused where they cannot be carried out.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::IpNet;

use super::address::AddressMap;
use super::error::RewriteError;
use super::port::PortMap;

impl AddressMap {
    /// Refuses a map between families, and one whose target is too small.
    pub(super) fn check(&self) -> Result<(), RewriteError> {
        for given in [self.from, self.to] {
            if given != given.trunc() {
                return Err(RewriteError::HostBits { given });
            }
        }
        if self.from.addr().is_ipv4() != self.to.addr().is_ipv4() {
            return Err(RewriteError::MixedFamilies(*self));
        }
        if self.to.prefix_len() > self.from.prefix_len() {
            return Err(RewriteError::TargetTooSmall(*self));
        }
        Ok(())
    }

    /// Refuses a map whose target does not hold what is mapped so many times.
    pub(super) fn check_passes(&self, passes: u32) -> Result<(), RewriteError> {
        // The logarithm, rounded up: as many bits as number the passes from 0.
        let bits = u32::BITS - passes.saturating_sub(1).leading_zeros();
        let needed = u8::try_from(bits)
            .ok()
            .and_then(|bits| self.from.prefix_len().checked_sub(bits));
        if needed.is_some_and(|needed| self.to.prefix_len() <= needed) {
            return Ok(());
        }
        Err(RewriteError::NoRoomForPasses {
            map: *self,
            passes,
            needed,
        })
    }
}

impl FromStr for AddressMap {
    type Err = RewriteError;

    /// Reads `PREFIX=PREFIX`; an address is a prefix of full length.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || RewriteError::AddressMapSyntax(text.to_owned());
        let (from, to) = text.split_once('=').ok_or_else(syntax)?;
        let map = AddressMap {
            from: prefix(from).ok_or_else(syntax)?,
            to: prefix(to).ok_or_else(syntax)?,
        };
        map.check()?;
        Ok(map)
    }
}

fn prefix(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl PortMap {
    /// Refuses ranges of different size, and empty ones.
    pub(super) fn check(&self) -> Result<(), RewriteError> {
        if self.from.is_empty() || self.from.len() != self.to.len() {
            return Err(RewriteError::UnequalPorts(self.clone()));
        }
        Ok(())
    }
}

impl FromStr for PortMap {
    type Err = RewriteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || RewriteError::PortMapSyntax(text.to_owned());
        let (from, to) = text.split_once('=').ok_or_else(syntax)?;
        let map = PortMap {
            from: range(from).ok_or_else(syntax)?,
            to: range(to).ok_or_else(syntax)?,
        };
        map.check()?;
        Ok(map)
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}
