//! Addresses that come again and again among many that come once.

use crate::address::Address;

/// The most frequent addresses, by the algorithm of Misra and Gries (1982): whoever has more than one in `MOST + 1` of all
/// is among them, and is never counted too often.
#[derive(Debug, Default)]
pub(crate) struct Frequent<const MOST: usize>(Vec<(Address, u64)>);

impl<const MOST: usize> Frequent<MOST> {
    /// It came so many times.
    #[inline]
    pub(crate) fn add(&mut self, address: Address, times: u64) {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == address) {
            *count += times;
        } else if self.0.len() < MOST {
            self.0.push((address, times));
        } else {
            for (_, count) in &mut self.0 {
                *count = count.saturating_sub(times);
            }
            self.0.retain(|(_, count)| *count > 0);
        }
    }

    /// Each with how often it came at least.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Address, u64)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn who_comes_often_is_kept_among_many_who_come_once() {
        let often = Address::from(Ipv4Addr::new(192, 0, 2, 7));
        let mut frequent = Frequent::<4>::default();
        for number in 0..300u32 {
            frequent.add(Ipv4Addr::from(0xc612_0000 + number).into(), 1);
            frequent.add(often, 1);
        }
        let counted = frequent.iter().find(|(address, _)| *address == often);
        assert!(
            counted.is_some_and(|(_, times)| (200..=300).contains(&times)),
            "{counted:?}"
        );
    }
}
