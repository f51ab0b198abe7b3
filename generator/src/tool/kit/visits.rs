//! Whom a stage visits, and in which order.

use crate::seed::{Draws, multiplied};

/// The order of the visits of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All ports of a target, then the next target.
    ByHost,
    /// One port on all targets, then the next port.
    ByPort,
    /// Targets and ports mixed, each pair once.
    Random,
}

/// The visits of one pass: pairs of target and port, several probes each.
#[derive(Clone, Debug)]
pub struct Visits {
    hosts: u64,
    ports: u64,
    probes: u64,
    total: u64,
    order: Order,
    shuffled: Option<Permutation>,
}

/// One visit, by the numbers of its target, port and probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Number of the target among those of the stage.
    pub host: usize,
    /// Number of the port.
    pub port: usize,
    /// Number of the probe.
    pub probe: usize,
}

impl Visits {
    /// The visits of so many targets, ports and probes.
    pub fn new(
        hosts: usize,
        ports: usize,
        probes: usize,
        order: Order,
        draws: impl FnOnce() -> Draws,
    ) -> Visits {
        let (hosts, ports) = (hosts as u64, ports.max(1) as u64);
        let probes = probes.max(1) as u64;
        let pairs = hosts.saturating_mul(ports);
        Visits {
            hosts,
            ports,
            probes,
            total: pairs.saturating_mul(probes),
            order,
            shuffled: (order == Order::Random).then(|| Permutation::new(pairs, draws())),
        }
    }

    /// Visits of one pass.
    #[inline]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The visit of that number.
    #[inline]
    pub fn get(&self, number: u64) -> Visit {
        // A flood's one visit, again and again.
        if self.total == 1 {
            return Visit {
                host: 0,
                port: 0,
                probe: 0,
            };
        }
        let pair = number / self.probes;
        let pair = match &self.shuffled {
            Some(permutation) => permutation.get(pair),
            None => pair,
        };
        let (host, port) = match self.order {
            Order::ByPort => (pair % self.hosts.max(1), pair / self.hosts.max(1)),
            _ => (pair / self.ports, pair % self.ports),
        };
        let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Visit {
            host: index(host),
            port: index(port),
            probe: index(number % self.probes),
        }
    }
}

/// A permutation of the numbers below a limit that needs no memory: a Feistel network over the next power of four, walked
/// until the number is below the limit, as scanners of the whole Internet do it.
#[derive(Clone, Copy, Debug)]
struct Permutation {
    limit: u64,
    half: u32,
    keys: [u64; 4],
}

impl Permutation {
    fn new(limit: u64, mut draws: Draws) -> Self {
        let bits = u64::BITS - limit.saturating_sub(1).leading_zeros();
        Permutation {
            limit,
            half: bits.div_ceil(2).max(1),
            keys: std::array::from_fn(|_| draws.word()),
        }
    }

    fn get(&self, number: u64) -> u64 {
        let mut number = number;
        // Fewer than four in five numbers lie above the limit, and the walk is a cycle through the number itself.
        loop {
            number = self.once(number);
            if number < self.limit {
                return number;
            }
        }
    }

    fn once(&self, number: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            let mixed = multiplied(right.wrapping_add(key)) >> 31;
            (left, right) = (right, left ^ mixed & mask);
        }
        (left << self.half) | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Pins, SeedTree};
    use proptest::prelude::*;

    fn draws() -> Draws {
        SeedTree::new(1, Pins::new()).draws("order")
    }

    fn pairs(order: Order) -> Vec<(usize, usize)> {
        let visits = Visits::new(2, 3, 1, order, draws);
        (0..visits.total())
            .map(|n| visits.get(n))
            .map(|visit| (visit.host, visit.port))
            .collect()
    }

    #[test]
    fn an_order_is_by_host_or_by_port() {
        assert_eq!(
            pairs(Order::ByHost),
            [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
        );
        assert_eq!(
            pairs(Order::ByPort),
            [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
        );
    }

    proptest! {
        #[test]
        fn a_random_order_visits_each_once(hosts in 1usize..40, ports in 1usize..40) {
            let visits = Visits::new(hosts, ports, 1, Order::Random, draws);
            let mut seen: Vec<_> = (0..visits.total()).map(|n| visits.get(n)).map(|v| (v.host, v.port)).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), hosts * ports);
        }
    }
}
