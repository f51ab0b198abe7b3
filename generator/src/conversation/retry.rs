//! When somebody tries again what was not answered.

use crate::reading::fields::{list, text_ref};
use crate::reading::{Fields, Value, units};
use crate::seed::Draws;

/// Most tries of one probe.
const MOST_TRIES: u64 = 1000;

/// How often a probe is tried, and how long each try waits.
#[derive(Clone, Debug)]
pub struct RetryPlan {
    /// Tries in all.
    pub tries: u64,
    waits: Waits,
    jitter: u64,
    /// Whether a refusal is tried again, as silence is.
    pub refused_too: bool,
    patience: Option<u64>,
}

#[derive(Clone, Debug)]
enum Waits {
    /// One after another; the last stays.
    List(Vec<u64>),
    /// The first, then twice as long each time, up to the last.
    Doubling(u64, u64),
}

impl RetryPlan {
    /// Reads `tries`, `retry`, `retry_jitter`, `retry_on` and `patience`.
    pub fn read(fields: &mut Fields<'_, '_>) -> RetryPlan {
        let wanted =
            "a time such as \"6s\", a list of times, \"3s doubling\" or \"3s doubling to 120s\"";
        let waits = fields.parsed("retry", wanted, waits);
        let usual = match &waits {
            Some(Waits::List(list)) if list.len() > 1 => list.len() as u64 + 1,
            _ => 1,
        };
        let on = [("silence", false), ("refusal", true)];
        RetryPlan {
            tries: fields.number("tries", 1..=MOST_TRIES).unwrap_or(usual),
            waits: waits.unwrap_or(Waits::List(vec![1_000_000_000])),
            jitter: fields.duration("retry_jitter").unwrap_or(0),
            refused_too: fields.choice("retry_on", &on).unwrap_or(false),
            patience: fields.duration("patience"),
        }
    }

    /// How long the try of that number, from 1, waits for its answer.
    pub fn wait(&self, sent: u64, draws: &mut Draws) -> u64 {
        if sent >= self.tries
            && let Some(patience) = self.patience
        {
            return patience;
        }
        let wait = self.usual_wait(sent);
        if self.jitter > 0 || draws.is_pinned() {
            wait + draws.exponential(self.jitter)
        } else {
            wait
        }
    }

    fn usual_wait(&self, sent: u64) -> u64 {
        match &self.waits {
            Waits::List(list) => {
                let at = usize::try_from(sent - 1).unwrap_or(usize::MAX);
                list.get(at).or(list.last()).copied().unwrap_or(0)
            }
            Waits::Doubling(first, most) => {
                let factor = 1u64
                    .checked_shl(u32::try_from(sent - 1).unwrap_or(u32::MAX))
                    .unwrap_or(u64::MAX);
                first.saturating_mul(factor).min(*most)
            }
        }
    }
}

fn waits(value: &Value) -> Option<Waits> {
    if let Some(text) = text_ref(value)
        && let Some((first, rest)) = text.split_once(" doubling")
    {
        let most = match rest.trim().strip_prefix("to ") {
            Some(most) => units::duration(most)?,
            None if rest.trim().is_empty() => u64::MAX,
            None => return None,
        };
        return Some(Waits::Doubling(units::duration(first)?, most));
    }
    let list = list(value, |item| units::duration(text_ref(item)?))?;
    (!list.is_empty()).then_some(Waits::List(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Mistakes, Node};
    use crate::seed::{Pins, SeedTree};

    fn seconds(text: &str, tries: u64) -> Vec<u64> {
        let node = Node::parse("t", text).unwrap();
        let mut mistakes = Mistakes::default();
        let plan = RetryPlan::read(&mut Fields::new("t", &node, &mut mistakes));
        assert!(mistakes.0.is_empty(), "{mistakes:?}");
        let mut draws = SeedTree::new(1, Pins::new()).draws("retry");
        (1..=tries)
            .map(|sent| plan.wait(sent, &mut draws) / 1_000_000_000)
            .collect()
    }

    #[test]
    fn waits_double_up_to_their_cap() {
        let finger = "tries = 9\nretry = '3s doubling to 120s'";
        assert_eq!(seconds(finger, 8), [3, 6, 12, 24, 48, 96, 120, 120]);
    }

    #[test]
    fn a_list_says_how_often() {
        let node = Node::parse("t", "retry = ['1s', '2s']").unwrap();
        let mut mistakes = Mistakes::default();
        assert_eq!(
            RetryPlan::read(&mut Fields::new("t", &node, &mut mistakes)).tries,
            3
        );
        assert_eq!(
            seconds("retry = ['1s', '2s']\npatience = '5s'", 3),
            [1, 2, 5]
        );
    }
}
