//! Whether those who send SYNs insist as stacks do.
//!
//! A stack that nobody answers sends its SYN again, the same from the same port, after a second or more (RFC 6298 section
//! 2.1). A flooder makes each one anew. During a flood connections are not followed, so a few SYNs stand for all.

use wire::Timestamp;

use crate::address::Address;
use crate::news::FloodSyn;

/// SYNs that stand for all.
const SAMPLES: usize = 32;
/// As many must be there for them to say anything.
const ENOUGH: usize = 16;
/// No stack sends again sooner.
const SOONEST_NANOS: u64 = 900_000_000;

/// One SYN, and whether it came again.
#[derive(Clone, Copy, Debug)]
struct Sample {
    source: Address,
    sport: u16,
    isn: u32,
    first: Timestamp,
    again: bool,
}

/// The SYNs that stand for all, each in the place that its sequence number gives it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Insistence {
    samples: [Option<Sample>; SAMPLES],
}

impl Insistence {
    #[inline]
    pub(super) fn note(&mut self, syn: &FloodSyn, now: Timestamp) {
        let place = usize::try_from(syn.isn).unwrap_or(0) % SAMPLES;
        let Some(slot) = self.samples.get_mut(place) else {
            return;
        };
        let sample = slot.get_or_insert(Sample {
            source: syn.source,
            sport: syn.sport,
            isn: syn.isn,
            first: now,
            again: false,
        });
        let same = (sample.isn, sample.sport, sample.source) == (syn.isn, syn.sport, syn.source);
        if same && now.nanos_since(sample.first) >= SOONEST_NANOS {
            sample.again = true;
        }
    }

    /// Whether most of them were sent again.
    pub(super) fn is_of_stacks(&self) -> bool {
        let samples = self.samples.iter().flatten();
        let again = samples.clone().filter(|sample| sample.again).count();
        let all = samples.count();
        all >= ENOUGH && again * 2 > all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Service;

    fn after(gap_nanos: u64) -> bool {
        let source = Address::from(std::net::Ipv4Addr::new(192, 0, 2, 7));
        let service = Service {
            address: source,
            port: 80,
        };
        let mut insistence = Insistence::default();
        for time in [0, gap_nanos] {
            for isn in 0..20 {
                let syn = FloodSyn {
                    source,
                    sport: 4_000,
                    service,
                    isn,
                };
                insistence.note(&syn, Timestamp::from_nanos(time));
            }
        }
        insistence.is_of_stacks()
    }

    #[test]
    fn only_what_comes_again_after_a_second_is_a_stacks() {
        assert!(after(1_000_000_000));
        assert!(!after(1_000_000));
    }
}
