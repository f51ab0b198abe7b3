//! What fills the bucket of a service, and when it runs over.

use crate::address::Address;
use crate::extent::{Crowd, Frequent};
use crate::news::{Attempt, Moment};
use crate::report::Examples;
use crate::state::Keep;

use super::limits::Limits;

/// Thousandths that one SYN adds.
pub(super) const ONE: u64 = 1_000;
/// Sources that a bucket remembers with how often they came.
const HEAVY: usize = 4;

/// Who has filled a bucket, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Detail {
    pub(super) heavy: Frequent<HEAVY>,
    pub(super) crowd: Crowd,
    pub(super) raw: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) torn: u64,
    /// Those that their stack has sent again.
    pub(super) repeated: u64,
    pub(super) examples: Examples,
    /// SYNs in all, and those of sources that had called the host before.
    pub(super) added: u64,
    pub(super) again: u64,
    alike: Alike,
}

/// Whether all SYNs look alike, wherever they come from.
#[derive(Debug, Default)]
struct Alike {
    /// Window, time to live and neighbourhood of the first.
    first: Option<(u16, u8, Address)>,
    differ: u64,
    /// Those from other neighbourhoods.
    elsewhere: u64,
}

impl Alike {
    pub(super) fn add(&mut self, attempt: &Attempt) {
        let hood = attempt.source.neighbourhood();
        let look = (attempt.size, attempt.ttl);
        let &mut (size, ttl, home) = self.first.get_or_insert((look.0, look.1, hood));
        self.differ += u64::from(look != (size, ttl));
        self.elsewhere += u64::from(hood != home);
    }
}

impl Detail {
    /// Nothing listens, and the same clients try again and again: no backlog fills. That they are refused need not be
    /// seen where answers are not: else they would insist; nor where they begin anew no faster than clients do.
    fn is_dead_service(&self, one_side: bool, lasted_nanos: u64, flood: &Limits) -> bool {
        if self.is_stampede(lasted_nanos, flood) {
            return false;
        }
        let refused = self.again * 2 >= self.added && (self.refused * 2 >= self.added || one_side);
        let patient = self.again * 4 >= self.added && self.is_patient(lasted_nanos, flood);
        self.accepted == 0 && self.raw * 2 < self.added && (refused || patient)
    }

    /// Whether no service had them for clients, whatever they are answered: so many sources come so fast, or from all over,
    /// as far away, with one stack.
    pub(super) fn is_stampede(&self, lasted_nanos: u64, flood: &Limits) -> bool {
        const SOURCES: u64 = 256;
        const ONE_IN: u64 = 50;
        let sources = self.crowd.count().unwrap_or(u64::MAX);
        let seconds = lasted_nanos / 1_000_000_000 + 1;
        let fast = sources >= SOURCES && self.added > flood.sudden * seconds;
        let one_program = sources >= SOURCES / 2
            && self.alike.differ * ONE_IN < self.added
            && self.alike.elsewhere * 4 > self.added;
        fast || one_program
    }

    /// Whether each source has begun no oftener than who looks every half second whether a service is up, and all of them
    /// together so seldom that few are open even if each is given up after a second.
    fn is_patient(&self, lasted_nanos: u64, flood: &Limits) -> bool {
        let seconds = lasted_nanos / 1_000_000_000 + 1;
        let sources = self.crowd.count().unwrap_or(0);
        self.added <= (sources * 2).min(flood.level) * seconds
    }

    pub(super) fn add(&mut self, attempt: &Attempt, now: Moment) {
        self.added += 1;
        self.again += u64::from(attempt.met);
        self.crowd.add(attempt.source);
        self.alike.add(attempt);
        self.raw += u64::from(attempt.raw);
        self.examples.note(now.frame);
        self.heavy.add(attempt.source, 1);
    }
}

/// Within so long a client opens its parallel connections, as browsers do.
const AT_ONCE_NANOS: u64 = 50_000_000;

/// What is known of a service that may be flooded.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// In thousandths of a SYN.
    pub(super) level: u64,
    pub(super) completed: u64,
    pub(super) drained: wire::Timestamp,
    pub(super) risen: Option<Moment>,
    pub(super) equal_isns: u32,
    /// The same SYN in other names, in a row.
    pub(super) renamed: u32,
    /// How often the next source port or number came in another name, less how often it did not.
    pub(super) counted: u32,
    pub(super) equal_from: Option<Moment>,
    pub(super) last: Option<Mark>,
    /// Somebody has completed a handshake: equal numbers are a stack's weakness then, no forgery.
    pub(super) completes: bool,
    pub(super) flooded: bool,
    pub(super) detail: Option<Box<Detail>>,
}

impl Bucket {
    pub(super) fn age_nanos(&self, now: Moment) -> u64 {
        self.risen
            .map_or(0, |risen| now.time.nanos_since(risen.time))
    }

    pub(super) fn is_stampede(&self, now: Moment, flood: &Limits) -> bool {
        let age = self.age_nanos(now);
        (self.detail.as_deref()).is_some_and(|detail| detail.is_stampede(age, flood))
    }

    /// Whether a program has counted ports or numbers up from name to name: stacks know nothing of each other's.
    pub(super) fn is_counted(&self, flood: &Limits) -> bool {
        let sources = |detail: &Detail| detail.crowd.count().unwrap_or(u64::MAX);
        let names = self.detail.as_deref().map_or(0, sources);
        self.counted >= flood.counted_ports && names >= u64::from(flood.counted_ports)
    }
}

impl Keep for Bucket {
    fn worth(&self) -> u8 {
        match self.level / ONE {
            _ if self.flooded => 8,
            4.. => 3,
            _ => 1,
        }
    }
}

pub(super) fn overflows(bucket: &Bucket, now: Moment, one_side: bool, flood: &Limits) -> bool {
    let age = bucket.age_nanos(now);
    // Hand-made SYNs are no busy server's clients: no completions are to be awaited.
    let raw = bucket.detail.as_ref().map_or(0, |detail| detail.raw) * ONE;
    // A backlog of old is full long before: what it holds is known by who never comes back.
    let held = bucket.detail.as_ref().map_or(0, |detail| {
        // Of those that were accepted, none that its source has torn down.
        detail.accepted.saturating_sub(detail.torn)
    });
    let backlog = held >= flood.half_open && bucket.completed == 0 && raw * 10 >= bucket.level * 9;
    // Stacks that nobody answers send their SYN again after a second: until then, and while they do, it is a dead host's clients.
    let stacks = raw * 2 < bucket.level;
    let repeated = bucket.detail.as_ref().map_or(0, |detail| detail.repeated) * ONE;
    let least = flood.least.nanos() * if stacks { 2 } else { 1 };
    let enough =
        bucket.level >= flood.level * ONE && age >= least && (repeated < bucket.level || !stacks)
            || backlog && bucket.level >= 2 * flood.half_open * ONE
            || bucket.level >= 2 * flood.level * ONE && raw * 10 >= bucket.level * 9
            || bucket.level >= flood.sudden * ONE;
    let dead = |detail: &Detail| detail.is_dead_service(one_side, age, flood);
    enough
        && bucket.completed * flood.completed_one_in < bucket.level
        && !bucket.detail.as_deref().is_some_and(dead)
}

pub(super) fn drain(bucket: &mut Bucket, now: Moment, per_second: u64) {
    let elapsed = now.time.nanos_since(bucket.drained);
    let gone = elapsed / 1_000_000 * per_second;
    if gone == 0 {
        return;
    }
    bucket.drained = now.time;
    bucket.level = bucket.level.saturating_sub(gone);
    // Completions are forgotten as they age: a service that was busy an hour ago may be flooded now.
    bucket.completed = bucket
        .completed
        .saturating_sub(gone.max(bucket.completed / 100));
    if bucket.level == 0 {
        bucket.risen = None;
    }
}

/// Number, source and source port of a SYN.
pub(super) type Mark = (u32, Address, u16);

/// Whether another name has the next source port or sequence number, or one soon after: a flood goes to several services, and
/// sensors miss some.
pub(super) fn counts_on((last, name, port): Mark, (isn, source, sport): Mark) -> bool {
    const SOON: u32 = 1 << 20;
    let next_port = matches!(sport.wrapping_sub(port), 1..=8);
    let next_number = matches!(isn.wrapping_sub(last), 1..=SOON);
    name != source && (next_port || next_number)
}

pub(super) fn fill(bucket: &mut Bucket, attempt: &Attempt, now: Moment) {
    if bucket.risen.is_none() {
        bucket.risen = Some(now);
        bucket.drained = now.time;
    }
    bucket.level += ONE;
    let (isn, source, sport) = (attempt.isn, attempt.source, attempt.sport);
    let mark = (isn, source, sport);
    bucket.counted = if bucket.last.is_some_and(|last| counts_on(last, mark)) {
        bucket.counted.saturating_add(1)
    } else {
        bucket.counted.saturating_sub(1)
    };
    match bucket.last {
        // From the same port in several names, it is a scan's decoys.
        // A stack's next number lies far off; a program that counts forges, too. One of old reads it off a clock, and its
        // client opens several at once.
        Some((last, name, port)) if isn.wrapping_sub(last) <= 1 && port != sport => {
            let from = bucket.equal_from.unwrap_or(now);
            let at_once = name == source && now.time.nanos_since(from.time) < AT_ONCE_NANOS;
            bucket.equal_isns += u32::from(!at_once);
        }
        Some((last, name, port)) if (last, port) == (isn, sport) => {
            bucket.renamed += u32::from(name != source);
        }
        _ => {
            bucket.equal_isns = 1;
            bucket.renamed = 0;
            bucket.equal_from = Some(now);
            // Slow and with ever new numbers: nobody's flood so far.
            if bucket.level <= ONE && bucket.counted == 0 {
                bucket.detail = None;
                bucket.completes = false;
            }
        }
    }
    bucket.last = Some(mark);
}
