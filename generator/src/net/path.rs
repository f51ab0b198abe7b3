//! One direction of a path or of an access line: rate, queue, delay, loss and order.

use wire::Timestamp;

use crate::seed::{Draws, SeedTree};

/// Bytes that a packet takes on a line beside its own: Ethernet header, check sequence, preamble and gap, IEEE 802.3.
const OVERHEAD: u64 = 38;
/// Bytes that the least frame takes, preamble and gap included.
const LEAST: u64 = 84;
/// How long a packet waits for a line at most. Assumption: routers' and modems' buffers hold a fifth of a second.
pub const QUEUE: u64 = 200_000_000;

/// Least time in which the varying part of a delay goes from one value to the next. Assumption: queues on the way fill and
/// drain within some ten milliseconds.
const SWING: u64 = 10_000_000;
/// Binary places of a slope.
const PLACES: u32 = 20;

/// How one direction behaves.
#[derive(Clone, Debug, Default)]
pub struct LineConfig {
    /// Least delay, in nanoseconds.
    pub delay: u64,
    /// Mean of the exponentially distributed rest of the delay, in nanoseconds; it drifts from one value to the next.
    pub jitter: u64,
    /// Lost packets in a million.
    pub loss: u32,
    /// Packets in a million that later ones overtake.
    pub reorder: u32,
    /// Time that a byte takes, in picoseconds; 0 where the line takes none.
    pub per_byte: u64,
    /// How long a packet may wait for the line, in nanoseconds; one that would wait longer is dropped.
    pub queue: u64,
}

/// Picoseconds a byte of a bandwidth such as `56 kbit/s`, `1 Gbit/s`.
pub fn picos_per_byte(text: &str) -> Option<u64> {
    let number = text.trim().strip_suffix("bit/s")?.trim();
    let (number, factor) = match number.chars().last()? {
        'k' => (number.trim_end_matches('k'), 1_000.0),
        'M' => (number.trim_end_matches('M'), 1_000_000.0),
        'G' => (number.trim_end_matches('G'), 1_000_000_000.0),
        _ => (number, 1.0),
    };
    let bits: f64 = number.trim().parse::<f64>().ok()? * factor;
    // From 1 bit/s to 1 Tbit/s: below, a byte takes hours; above, no time that the clock could show.
    if !(1.0..=1e12).contains(&bits) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 8 and 8e12, as checked above"
    )]
    let picos = (8e12 / bits) as u64;
    Some(picos)
}

/// One direction at work.
///
/// Packets of one lane, which are those of one sender or of one way in, leave in the order in which they came, except
/// those that chance lets fall behind. Packets of different lanes are asked about in any order, since each knows its whole
/// way when it sets out; they share the line's rate as far as they come in order.
#[derive(Debug)]
pub struct Line {
    config: LineConfig,
    delay: Draws,
    hops: Draws,
    loss: Draws,
    reorder: Draws,
    last_entry: Timestamp,
    free_at: Timestamp,
    last_exit: Vec<Timestamp>,
    drift: Drift,
    /// Whether chance has no part in it, neither drawn nor pinned: every packet passes several such lines.
    steady: bool,
}

/// The varying part of a delay: on its way from one value to the next.
///
/// Drawn anew for every packet it would let all that are close together come out in bunches, one right behind the other.
#[derive(Clone, Copy, Debug, Default)]
struct Drift {
    since: Timestamp,
    until: Timestamp,
    from: u64,
    to: u64,
    /// Change in a nanosecond, in units of 2^-20; at most a half, so that nothing is overtaken.
    slope: u64,
}

impl Drift {
    /// Its value at some moment; moments before the last turn have the value of that turn.
    fn at(&mut self, entry: Timestamp, mean: u64, draws: &mut Draws) -> u64 {
        if entry >= self.until {
            // After a while nothing is left of what it was.
            let long_ago = entry.nanos_since(self.until) > SWING;
            self.from = if long_ago {
                draws.exponential(mean)
            } else {
                self.to
            };
            self.to = draws.exponential(mean);
            let change = self.from.abs_diff(self.to);
            let lasts = SWING.max(change.saturating_mul(2));
            self.slope =
                u64::try_from((u128::from(change) << PLACES) / u128::from(lasts)).unwrap_or(0);
            self.since = entry;
            self.until = entry.plus_nanos(lasts);
        }
        let moved = entry.nanos_since(self.since).saturating_mul(self.slope) >> PLACES;
        if self.to > self.from {
            self.from + moved
        } else {
            self.from.saturating_sub(moved)
        }
    }
}

impl Line {
    /// The line whose draws lie under `path`.
    pub fn new(path: &str, config: LineConfig, tree: &SeedTree) -> Self {
        let draws = |purpose: &str| tree.draws(&format!("{path}/{purpose}"));
        let [delay, hops, loss, reorder] = ["delay", "hops", "loss", "reorder"].map(draws);
        let pinned = [&delay, &loss, &reorder].into_iter().any(Draws::is_pinned);
        Line {
            steady: !pinned && (config.jitter, config.loss, config.reorder) == (0, 0, 0),
            config,
            delay,
            hops,
            loss,
            reorder,
            last_entry: Timestamp::ZERO,
            free_at: Timestamp::ZERO,
            last_exit: Vec::new(),
            drift: Drift::default(),
        }
    }

    /// Routers that the next packet passes: so many, unless a pin sends it another way.
    pub fn hops(&mut self, usual: u8) -> u8 {
        let pinned = self.hops.pinned().and_then(|hops| u8::try_from(hops).ok());
        pinned.unwrap_or(usual)
    }

    /// How long a packet of so many bytes takes the line, in nanoseconds.
    pub fn takes(&self, bytes: usize) -> u64 {
        (bytes as u64 + OVERHEAD).max(LEAST) * self.config.per_byte / 1000
    }

    /// When a packet of so many bytes that enters at `entry` comes out; `None` when it is lost, or finds the queue full.
    ///
    /// A pinned delay is the whole delay. Pinned losses are 0 (passes) or 1 (lost).
    pub fn pass(&mut self, lane: usize, entry: Timestamp, bytes: usize) -> Option<Timestamp> {
        if !self.steady && self.loss.chance(self.config.loss) {
            return None;
        }
        let config = &self.config;
        let takes = self.takes(bytes);
        let mut begin = entry;
        if entry >= self.last_entry {
            begin = entry.max(self.free_at);
            if config.per_byte > 0 && begin.nanos_since(entry) > config.queue {
                return None;
            }
            self.last_entry = entry;
            self.free_at = begin.plus_nanos(takes);
        }
        let pinned = if self.steady {
            None
        } else {
            self.delay.pinned()
        };
        let exit = match pinned {
            Some(delay) => entry.plus_nanos(delay),
            None if config.jitter == 0 => begin.plus_nanos(takes + config.delay),
            None => {
                let varies = self.drift.at(begin, config.jitter, &mut self.delay);
                begin.plus_nanos(takes + config.delay + varies)
            }
        };
        if !self.steady && self.reorder.chance(config.reorder) {
            // Assumption: a packet that falls behind does so by up to a third of the delay.
            let late = self.reorder.range(0..=config.delay / 3);
            return Some(exit.plus_nanos(late));
        }
        if self.last_exit.len() <= lane {
            self.last_exit.resize(lane + 1, Timestamp::ZERO);
        }
        let last = self.last_exit.get_mut(lane)?;
        *last = exit.max(last.plus_nanos(takes));
        Some(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Pins;

    fn line(config: LineConfig) -> Line {
        Line::new("path/x", config, &SeedTree::new(1, Pins::new()))
    }

    #[test]
    fn order_is_kept_however_the_delay_varies() {
        let mut line = line(LineConfig {
            delay: 1000,
            jitter: 50_000,
            ..LineConfig::default()
        });
        let exits: Vec<_> = (0..200)
            .map(|t| line.pass(0, Timestamp::from_nanos(t * 10), 60).unwrap())
            .collect();
        assert!(exits.is_sorted());
    }

    #[test]
    fn a_packet_from_afar_holds_up_nobody_from_near() {
        let mut line = line(LineConfig {
            delay: 1000,
            per_byte: 80_000,
            queue: QUEUE,
            ..LineConfig::default()
        });
        let far = line.pass(1, Timestamp::from_nanos(90_000_000), 60).unwrap();
        let near = line.pass(2, Timestamp::from_nanos(2_000_000), 60).unwrap();
        assert_eq!((far.as_nanos(), near.as_nanos()), (90_008_840, 2_008_840));
    }

    #[test]
    fn a_burst_is_spread_by_the_rate_and_a_full_queue_drops() {
        // 1500 bytes take 12.304 ms at 1 Mbit/s; sixteen wait for less than 200 ms.
        let mut line = line(LineConfig {
            per_byte: 8_000_000,
            queue: QUEUE,
            ..LineConfig::default()
        });
        let exits: Vec<_> = (0..40)
            .filter_map(|_| line.pass(0, Timestamp::ZERO, 1500))
            .map(Timestamp::as_nanos)
            .collect();
        assert_eq!(exits.len(), 17);
        assert!(
            exits
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if b - a == 12_304_000))
        );
    }

    #[test]
    fn a_varying_delay_bunches_nothing() {
        let mut line = line(LineConfig {
            delay: 1000,
            jitter: 5_000_000,
            ..LineConfig::default()
        });
        let exits: Vec<_> = (0..20_000)
            .map(|t| {
                line.pass(0, Timestamp::from_nanos(t * 300_000), 60)
                    .unwrap()
            })
            .map(Timestamp::as_nanos)
            .collect();
        let gaps = exits.windows(2).filter_map(|pair| match pair {
            [a, b] => Some(b - a),
            _ => None,
        });
        assert!(gaps.clone().all(|gap| (140_000..=460_000).contains(&gap)));
        assert!(gaps.filter(|gap| *gap != 300_000).count() > 15_000);
        let entered = (0..20_000u64).map(|t| t * 300_000);
        let mean = exits
            .iter()
            .zip(entered)
            .map(|(exit, entry)| exit - entry)
            .sum::<u64>()
            / 20_000;
        assert!((3_000_000..8_000_000).contains(&mean), "{mean}");
    }

    #[test]
    fn some_fall_behind_where_chance_says_so() {
        let mut line = line(LineConfig {
            delay: 90_000,
            reorder: 200_000,
            ..LineConfig::default()
        });
        let exits: Vec<_> = (0..200)
            .map(|t| line.pass(0, Timestamp::from_nanos(t * 10), 60).unwrap())
            .collect();
        assert!(!exits.is_sorted());
    }

    #[test]
    fn about_as_many_are_lost_as_were_asked_for() {
        let mut line = line(LineConfig {
            loss: 100_000,
            ..LineConfig::default()
        });
        let lost = (0..10_000)
            .filter(|_| line.pass(0, Timestamp::ZERO, 60).is_none())
            .count();
        assert!((800..1200).contains(&lost), "{lost}");
    }

    #[test]
    fn bandwidths_are_read_with_their_unit() {
        assert_eq!(picos_per_byte("1 Gbit/s"), Some(8_000));
        assert_eq!(picos_per_byte("100 Mbit/s"), Some(80_000));
        assert_eq!(picos_per_byte("56 kbit/s"), Some(142_857_142));
        assert_eq!(picos_per_byte("0 bit/s"), None);
        assert_eq!(picos_per_byte("1 Gbit"), None);
    }
}
