//! From a capture to frames that are ready to go: read, rewritten, checked by the guard, each with its due time.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use rewrite::{Counts, Rewrite, Rewriter};
use wire::capture::{CaptureReader, Record};
use wire::{Layers, Timestamp};

use crate::batch::{BATCH_FRAMES, Batch, Origin};
use crate::error::ReplayError;
use crate::guard::{Control, Guard, Limits};
use crate::pace::{Pace, Schedule, Steps};

/// Where a capture can be read from its beginning, as often as need be.
pub trait Source: Sync {
    /// Opens it at its beginning.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// What is to be sent, and when.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When frames are due.
    pub pace: Pace,
    /// Passes over the capture.
    pub passes: u32,
    /// Between two of them, in real time; a mean gap of the capture where there is none.
    pub pause: Option<Duration>,
    /// How far into the capture to begin, in capture time.
    pub start_at: Duration,
    /// What is changed on the way.
    pub rewrite: Rewrite,
    /// Whether to keep a processor busy for the sake of accuracy.
    pub precise: bool,
}

/// The frames that one worker of several has to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) worker: usize,
    pub(crate) workers: usize,
}

impl Share {
    /// All of them.
    pub(crate) const ALL: Share = Share {
        worker: 0,
        workers: 1,
    };

    /// Whether a frame is in it. A conversation, both its directions, stays with one worker and so in its order.
    fn holds(&self, record: &Record<'_>) -> bool {
        if self.workers == 1 {
            return true;
        }
        let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
        // Scaled and not divided: the upper bits of a product depend on all bits of its factors, the lower ones do not.
        let place = (u64::from(conversation(&layers)) * self.workers as u64) >> 32;
        place == self.worker as u64
    }
}

/// A number that both directions of a conversation have; 0 for what is no IP.
fn conversation(layers: &Layers<'_>) -> u32 {
    let Some((source, destination)) = layers.addresses() else {
        return 0;
    };
    let (from, to) = layers.ports().unwrap_or_default();
    let sum = spread(source, from).wrapping_add(spread(destination, to));
    u32::try_from(sum >> 32).unwrap_or_default()
}

/// Multiplicative hashing: neighbours end up far apart in the upper bits.
fn spread(address: IpAddr, port: u16) -> u64 {
    let bits = match address {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => {
            let [high, low] = [address.to_bits() >> 64, address.to_bits()]
                .map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default());
            high.rotate_left(7) ^ low
        }
    };
    (bits ^ (u64::from(port) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What a feed has done.
pub(crate) struct Fed {
    /// The first time stamp of the capture.
    pub(crate) first: Option<Timestamp>,
    /// Frames of the capture that were let through, whoever sends them.
    pub(crate) taken: u64,
    /// Whether more were left because of the bound on frames.
    pub(crate) bounded: bool,
    /// What time stamps were met.
    pub(crate) steps: Steps,
    /// What rewriting did.
    pub(crate) rewriting: Counts,
    /// Frames by which networks are run, by kind.
    pub(crate) control: BTreeMap<Control, u64>,
    /// What ended it before its natural end.
    pub(crate) failure: Option<ReplayError>,
}

/// Reads, rewrites, checks and times frames.
pub(crate) struct Feed<'a> {
    source: &'a dyn Source,
    guard: &'a Guard,
    rewriter: Rewriter,
    schedule: Schedule,
    share: Share,
    /// `None` once there is nothing more.
    reader: Option<CaptureReader<Box<dyn Read + Send + 'a>>>,
    pass: u32,
    passes: u32,
    start_at: u64,
    /// The first time stamp of the capture.
    first: Option<Timestamp>,
    /// Frames of the capture that were let through, whoever sends them.
    taken: u64,
    limit: u64,
    /// Whether a frame was left because of that bound.
    bounded: bool,
    /// Frames by which networks are run, by kind.
    control: BTreeMap<Control, u64>,
    /// Whether nothing is sent of what it yields, so that such frames are counted and not refused.
    looks: bool,
    failure: Option<ReplayError>,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(
        source: &'a dyn Source,
        plan: &Plan,
        guard: &'a Guard,
        limits: &Limits,
        share: Share,
    ) -> Result<Feed<'a>, ReplayError> {
        let stream = source.open().map_err(ReplayError::Reopen)?;
        Ok(Feed {
            source,
            guard,
            rewriter: Rewriter::new(plan.rewrite.clone())?,
            schedule: Schedule::new(plan.pace, limits.pps).with_pause(plan.pause),
            share,
            reader: Some(CaptureReader::new(stream)?),
            pass: 0,
            passes: plan.passes,
            start_at: u64::try_from(plan.start_at.as_nanos()).unwrap_or(u64::MAX),
            first: None,
            taken: 0,
            limit: limits.frames,
            bounded: false,
            control: BTreeMap::new(),
            looks: false,
            failure: None,
        })
    }

    /// The same, of which nothing is sent.
    pub(crate) fn looking(mut self) -> Feed<'a> {
        self.looks = true;
        self
    }

    /// Puts frames into an empty batch until it is full. It stays empty when there are no more.
    pub(crate) fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        while batch.len() < BATCH_FRAMES {
            match self.next(batch) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    // Frames read before it are sent; it ends the run when they have gone.
                    self.failure = Some(error);
                    self.reader = None;
                    return;
                }
            }
        }
    }

    /// What it has done.
    pub(crate) fn into_outcome(self) -> Fed {
        Fed {
            first: self.first,
            taken: self.taken,
            bounded: self.bounded,
            steps: self.schedule.steps(),
            rewriting: *self.rewriter.counts(),
            control: self.control,
            failure: self.failure,
        }
    }

    /// Deals with one record; `false` at the end.
    fn next(&mut self, batch: &mut Batch) -> Result<bool, ReplayError> {
        let Some(reader) = &mut self.reader else {
            return Ok(false);
        };
        let number = reader.records() + 1;
        let Some(record) = reader.next()? else {
            return self.next_pass();
        };
        let first = *self.first.get_or_insert(record.time);
        if record.time.nanos_since(first) < self.start_at {
            return Ok(true);
        }
        if self.taken >= self.limit {
            self.bounded = true;
            self.reader = None;
            return Ok(false);
        }
        let origin = Origin {
            number,
            pass: self.pass,
            due: self.schedule.due(record.time, record.original_length),
        };
        self.taken += 1;
        if !self.share.holds(&record) {
            return Ok(true);
        }
        for frame in self.rewriter.rewrite(&record, self.pass)?.frames() {
            if let Some(kind) = self.guard.check_frame(frame, number)? {
                *self.control.entry(kind).or_default() += 1;
                if !self.looks {
                    self.guard.check_control(&self.control)?;
                }
            }
            batch.push(frame, origin);
        }
        Ok(true)
    }

    fn next_pass(&mut self) -> Result<bool, ReplayError> {
        self.pass += 1;
        let Some(reader) = self.reader.take().filter(|_| self.pass < self.passes) else {
            return Ok(false);
        };
        self.schedule.next_pass();
        let stream = self.source.open().map_err(ReplayError::Reopen)?;
        self.reader = Some(reader.restart(stream)?);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Ip, Ipv4, Link, Packet, Payload, Segment, Udp};

    /// Who of so many workers sends a frame: exactly one of them.
    fn worker(frame: &[u8], workers: usize) -> usize {
        let record = Record {
            time: Timestamp::ZERO,
            link_type: wire::LinkType::ETHERNET,
            original_length: frame.len(),
            bytes: frame,
        };
        let holds = |worker: &usize| {
            let share = Share {
                worker: *worker,
                workers,
            };
            share.holds(&record)
        };
        let holders: Vec<usize> = (0..workers).filter(holds).collect();
        assert_eq!(holders.len(), 1, "{holders:?}");
        holders[0]
    }

    fn frame([source, destination]: [u8; 2], [from, to]: [u16; 2]) -> Vec<u8> {
        let packet = Packet {
            ip: Ip::V4(Ipv4::new(
                [192, 0, 2, source].into(),
                [192, 0, 2, destination].into(),
            )),
            segment: Segment::Udp(Udp::new(from, to)),
            payload: Payload::zeros(18),
        };
        let mut bytes = Vec::new();
        packet.emit_frame(&Link::default(), &mut bytes);
        bytes
    }

    #[test]
    fn both_directions_of_a_conversation_have_one_sender() {
        for port in 1024..1124 {
            let there = frame([1, 2], [port, 53]);
            let back = frame([2, 1], [53, port]);
            assert_eq!(worker(&there, 7), worker(&back, 7));
        }
    }

    #[test]
    fn conversations_are_shared_out_evenly() {
        let by_port = (0..1000).map(|nth| frame([1, 2], [1024 + nth, 9]));
        let by_host = (0..200).map(|nth| frame([nth, 250], [4000, 9]));
        for frames in [by_port.collect::<Vec<_>>(), by_host.collect()] {
            for workers in [2, 3, 4, 8] {
                let mut counts = vec![0; workers];
                frames
                    .iter()
                    .for_each(|frame| counts[worker(frame, workers)] += 1);
                let fair = frames.len() / workers;
                let is_fair = |count: &usize| (fair / 2..fair * 2).contains(count);
                assert!(counts.iter().all(is_fair), "{workers}: {counts:?}");
            }
        }
    }
}
