//! How fast a tool sends: gaps whose mean is what was asked, by a named distribution, and the tool's own clock.

use crate::reading::fields::text_ref;
use crate::reading::{Fields, Value};
use crate::seed::Draws;

/// Gaps between two packets, in nanoseconds.
#[derive(Clone, Debug)]
pub struct PacePlan {
    gap: u64,
    jitter: u64,
    kind: Kind,
    /// Step of the tool's clock; 0 where it has none of its own.
    tick: u64,
    /// Within a burst.
    burst_gap: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Always the same.
    Constant,
    /// The gap less the jitter, and an exponential rest of that mean.
    Jittered,
    /// As likely anywhere between the gap less and more the jitter.
    Even,
    /// Exponential: at random moments.
    Exponential,
    /// So many close together, then a pause.
    Bursts(u64),
}

/// Least gap, in nanoseconds: nothing sends faster than a 10 Gbit/s line carries its smallest frames.
pub const LEAST_GAP: u64 = 100;
/// Longest burst.
const MOST_IN_BURST: u64 = 100_000;

impl PacePlan {
    /// The mean gap, in nanoseconds.
    pub fn mean(&self) -> u64 {
        self.gap
    }

    /// Reads `gap`, `gap_jitter`, `pace`, `burst_gap` and `tick`.
    pub fn read(fields: &mut Fields<'_, '_>, default_gap: u64) -> PacePlan {
        let gap = fields.gap("gap").unwrap_or(default_gap);
        if gap < LEAST_GAP && default_gap > 0 {
            let origin = fields.origin().clone();
            fields.mistake(
                &origin,
                "gap: at least 100ns, which is ten million packets a second",
            );
        }
        let gap = if default_gap > 0 {
            gap.max(LEAST_GAP)
        } else {
            gap
        };
        let jitter = fields.duration("gap_jitter").unwrap_or(0).min(gap);
        let wanted = "\"constant\", \"jittered\", \"even\", \"exponential\" or \"bursts of N\"";
        let kind = fields.parsed("pace", wanted, kind);
        let usual = if jitter > 0 {
            Kind::Jittered
        } else {
            Kind::Constant
        };
        PacePlan {
            gap,
            jitter,
            kind: kind.unwrap_or(usual),
            tick: fields.duration("tick").unwrap_or(0),
            burst_gap: fields.duration("burst_gap").unwrap_or(0).min(gap),
        }
    }
}

fn kind(value: &Value) -> Option<Kind> {
    Some(match text_ref(value)? {
        "constant" => Kind::Constant,
        "jittered" => Kind::Jittered,
        "even" => Kind::Even,
        "exponential" => Kind::Exponential,
        text => {
            let number = text.strip_prefix("bursts of ")?.trim().parse().ok()?;
            (1..=MOST_IN_BURST)
                .contains(&number)
                .then_some(Kind::Bursts(number))?
        }
    })
}

/// A pace at work.
#[derive(Debug)]
pub struct Pace {
    plan: PacePlan,
    draws: Draws,
    in_burst: u64,
    /// When the next would leave if the tool's clock had no steps.
    ideal: u64,
    /// Where in its step the tool's clock ticks.
    phase: u64,
}

impl Pace {
    /// Begins a pace. The tool's clock ticks at a phase of its own.
    pub fn new(plan: &PacePlan, draws: Draws, phase: impl FnOnce() -> Draws) -> Self {
        let phase = if plan.tick > 0 {
            phase().range(0..=plan.tick - 1)
        } else {
            0
        };
        Pace {
            plan: plan.clone(),
            draws,
            in_burst: 0,
            ideal: 0,
            phase,
        }
    }

    /// Nanoseconds from `now` to the first packet: the next tick of the tool's clock, if it has one.
    pub fn first(&mut self, now: u64) -> u64 {
        self.ideal = now;
        self.tick_after(now).saturating_sub(now)
    }

    /// Nanoseconds from `now`, counted from any fixed moment, to the next packet.
    #[inline]
    pub fn next(&mut self, now: u64) -> u64 {
        if let Some(gap) = self.draws.pinned() {
            return gap;
        }
        let gap = self.gap();
        if self.plan.tick == 0 {
            return gap;
        }
        // A tool that was kept waiting does not catch up.
        self.ideal = self.ideal.max(now.saturating_sub(self.plan.tick)) + gap;
        self.tick_after(self.ideal).saturating_sub(now)
    }

    /// The first tick that is not before a moment; the moment itself where the tool has no clock of its own.
    fn tick_after(&self, moment: u64) -> u64 {
        if self.plan.tick == 0 {
            return moment;
        }
        let since = moment.saturating_sub(self.phase);
        since.next_multiple_of(self.plan.tick) + self.phase
    }

    fn gap(&mut self) -> u64 {
        let PacePlan { gap, jitter, .. } = self.plan;
        match self.plan.kind {
            Kind::Constant => gap,
            Kind::Jittered => gap - jitter + self.draws.exponential(jitter),
            Kind::Even => self.draws.range(gap - jitter..=gap.saturating_add(jitter)),
            Kind::Exponential => self.draws.exponential(gap),
            Kind::Bursts(number) => {
                self.in_burst += 1;
                if self.in_burst < number {
                    return self.plan.burst_gap;
                }
                self.in_burst = 0;
                let pause = gap.saturating_mul(number) - self.plan.burst_gap * (number - 1);
                let jitter = jitter.min(pause);
                if jitter == 0 {
                    pause
                } else {
                    pause - jitter + self.draws.exponential(jitter)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Mistakes, Node};
    use crate::seed::{Pins, SeedTree};

    /// The mean of many gaps, in microseconds.
    fn mean(text: &str) -> u64 {
        let node = Node::parse("t", text).unwrap();
        let mut mistakes = Mistakes::default();
        let mut fields = Fields::new("t", &node, &mut mistakes);
        let plan = PacePlan::read(&mut fields, 1);
        fields.finish();
        assert!(mistakes.0.is_empty(), "{mistakes:?}");
        let tree = SeedTree::new(1, Pins::new());
        let mut pace = Pace::new(&plan, tree.draws("gap"), || tree.draws("phase"));
        let mut now = 0;
        for _ in 0..20_000 {
            now += pace.next(now);
        }
        now / 20_000_000
    }

    #[test]
    fn the_mean_is_what_was_asked_whatever_the_distribution() {
        for pace in [
            "gap = '3000/s'\ngap_jitter = '300us'",
            "gap = '3000/s'\ngap_jitter = '5ms'",
            "gap = '3000/s'\npace = 'exponential'",
            "gap = '3000/s'\ngap_jitter = '100us'\npace = 'even'",
            "gap = '3000/s'\npace = 'bursts of 50'\nburst_gap = '10us'",
            "gap = '3000/s'\ntick = '10ms'",
        ] {
            assert!((326..=340).contains(&mean(pace)), "{pace}: {}", mean(pace));
        }
    }

    #[test]
    fn a_clock_with_steps_sends_at_its_steps() {
        let node = Node::parse("t", "gap = '3ms'\ntick = '10ms'").unwrap();
        let mut mistakes = Mistakes::default();
        let plan = PacePlan::read(&mut Fields::new("t", &node, &mut mistakes), 1);
        let tree = SeedTree::new(1, Pins::new());
        let mut pace = Pace::new(&plan, tree.draws("gap"), || tree.draws("phase"));
        let mut now = 1_234_567;
        now += pace.first(now);
        let phase = now % 10_000_000;
        assert_ne!(phase, 0, "the clock is the tool's own");
        for _ in 0..50 {
            now += pace.next(now);
            assert_eq!(now % 10_000_000, phase);
        }
    }
}
