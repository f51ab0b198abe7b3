//! Ports, as a list or as a bitmap.

use labels::PortRange;

/// Ports that are kept as a list before a bitmap takes over.
const FEW_PORTS: usize = 64;

/// A set of ports.
#[derive(Clone, Debug)]
pub(crate) enum Ports {
    /// Sorted.
    Few(Vec<u16>),
    /// One bit a port.
    Many(Box<[u64; 1024]>),
}

impl Default for Ports {
    fn default() -> Self {
        Ports::Few(Vec::new())
    }
}

impl Ports {
    #[inline]
    pub(crate) fn insert(&mut self, port: u16) {
        // Most floods are for one port.
        if !matches!(self, Ports::Few(list) if list.last() == Some(&port)) {
            self.insert_other(port);
        }
    }

    fn insert_other(&mut self, port: u16) {
        match self {
            Ports::Few(list) => {
                if let Err(at) = list.binary_search(&port) {
                    list.insert(at, port);
                    if list.len() > FEW_PORTS {
                        let mut bits = Box::new([0u64; 1024]);
                        list.iter().for_each(|port| set(&mut bits, *port));
                        *self = Ports::Many(bits);
                    }
                }
            }
            Ports::Many(bits) => set(bits, port),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Ports::Few(list) => list.len(),
            Ports::Many(bits) => bits.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    pub(crate) fn contains(&self, port: u16) -> bool {
        match self {
            Ports::Few(list) => list.binary_search(&port).is_ok(),
            Ports::Many(bits) => is_set(bits, port),
        }
    }

    pub(crate) fn list(&self) -> Vec<u16> {
        match self {
            Ports::Few(list) => list.clone(),
            Ports::Many(bits) => (0..=u16::MAX).filter(|port| is_set(bits, *port)).collect(),
        }
    }

    pub(crate) fn merge(&mut self, other: &Ports) {
        other.list().into_iter().for_each(|port| self.insert(port));
    }

    pub(crate) fn ranges(&self) -> Vec<PortRange> {
        PortRange::cover(self.list())
    }
}

fn is_set(bits: &[u64; 1024], port: u16) -> bool {
    bits.get(usize::from(port / 64))
        .is_some_and(|word| word >> (port % 64) & 1 != 0)
}

fn set(bits: &mut [u64; 1024], port: u16) {
    if let Some(word) = bits.get_mut(usize::from(port / 64)) {
        *word |= 1 << (port % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_ports_are_as_few_ports() {
        let mut ports = Ports::default();
        for port in (0..3000u16).chain([65535, 7]) {
            ports.insert(port);
        }
        assert_eq!(ports.len(), 3001);
        assert!(ports.contains(7) && ports.contains(65535) && !ports.contains(3000));
        let ranges = ports.ranges();
        assert_eq!(ranges.first().map(PortRange::last), Some(2999));
        assert_eq!(ranges.len(), 2);
    }
}
