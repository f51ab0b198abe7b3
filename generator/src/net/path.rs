//! One direction of a path or of an access line: delay, loss and order.

use wire::Timestamp;

use crate::seed::{Draws, SeedTree};

/// How one direction behaves.
#[derive(Clone, Debug, Default)]
pub struct LineConfig {
    /// Least delay, in nanoseconds.
    pub delay: u64,
    /// Mean of the exponentially distributed rest of the delay, in nanoseconds.
    pub jitter: u64,
    /// Lost packets in a million.
    pub loss: u32,
    /// Packets in a million that later ones overtake.
    pub reorder: u32,
    /// Time that a byte takes, in nanoseconds; 0 where the line is fast.
    pub per_byte: u64,
}

/// One direction at work.
///
/// Packets leave in the order in which they came, except those that chance lets fall behind.
#[derive(Debug)]
pub struct Line {
    config: LineConfig,
    delay: Draws,
    loss: Draws,
    reorder: Draws,
    last_exit: Timestamp,
}

impl Line {
    /// The line whose draws lie under `path`.
    pub fn new(path: &str, config: LineConfig, tree: &SeedTree) -> Self {
        Line {
            config,
            delay: tree.draws(&format!("{path}/delay")),
            loss: tree.draws(&format!("{path}/loss")),
            reorder: tree.draws(&format!("{path}/reorder")),
            last_exit: Timestamp::ZERO,
        }
    }

    /// When a packet of so many bytes that enters at `entry` comes out; `None` when it is lost.
    ///
    /// A pinned delay is the whole delay. Pinned losses are 0 (passes) or 1 (lost).
    pub fn pass(&mut self, entry: Timestamp, bytes: usize) -> Option<Timestamp> {
        if self.loss.chance(self.config.loss) {
            return None;
        }
        let config = &self.config;
        let exit = match self.delay.pinned() {
            Some(delay) => entry.plus_nanos(delay),
            None if config.jitter == 0 => entry.plus_nanos(config.delay),
            None => entry.plus_nanos(config.delay + self.delay.exponential(config.jitter)),
        };
        let exit = exit.plus_nanos(config.per_byte.saturating_mul(bytes as u64));
        if self.reorder.chance(config.reorder) {
            // Assumption: a packet that falls behind does so by up to a third of the delay.
            let late = self.reorder.range(0..=config.delay / 3);
            return Some(exit.plus_nanos(late));
        }
        let exit = exit.max(self.last_exit);
        self.last_exit = exit;
        Some(exit)
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
            .map(|t| line.pass(Timestamp::from_nanos(t * 10), 60).unwrap())
            .collect();
        assert!(exits.is_sorted());
    }

    #[test]
    fn some_fall_behind_where_chance_says_so() {
        let mut line = line(LineConfig {
            delay: 90_000,
            reorder: 200_000,
            ..LineConfig::default()
        });
        let exits: Vec<_> = (0..200)
            .map(|t| line.pass(Timestamp::from_nanos(t * 10), 60).unwrap())
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
            .filter(|_| line.pass(Timestamp::ZERO, 60).is_none())
            .count();
        assert!((800..1200).contains(&lost), "{lost}");
    }
}
