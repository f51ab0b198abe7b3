//! Captures for replays: frames of 60 bytes between two addresses of documentation.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result};
use wire::capture::{CaptureReader, CaptureWriter};
use wire::{Ip, Ipv4, Link, Packet, Payload, Segment, Timestamp, Udp};

/// Ports taken by turns: each is a conversation of its own, so that several queues have something to share.
const CONVERSATIONS: u64 = 50_000;
/// Data that makes a UDP frame one of 60 bytes.
const DATA: usize = 18;
/// Any time will do.
const BEGIN: u64 = 1_700_000_000_000_000_000;

/// Writes a capture of that many frames, with the gap before each frame, in nanoseconds.
pub fn write(path: &Path, frames: u64, gap: impl Fn(u64) -> u64) -> Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = CaptureWriter::new(BufWriter::new(file));
    let mut time = BEGIN;
    for number in 0..frames {
        time += gap(number);
        let packet = packet(u16::try_from(number % CONVERSATIONS)?);
        writer.record(Timestamp::from_nanos(time), |out| {
            packet.emit_frame(&Link::default(), out);
        })?;
    }
    writer.finish()?;
    Ok(())
}

fn packet(conversation: u16) -> Packet {
    Packet {
        ip: Ip::V4(Ipv4::new([192, 0, 2, 1].into(), [198, 51, 100, 1].into())),
        segment: Segment::Udp(Udp::new(1024 + conversation, 9)),
        payload: Payload::zeros(DATA),
    }
}

/// A gap of an exponential distribution with that mean. Multiples of the golden ratio spread over its quantiles, which
/// takes no random numbers.
pub fn exponential(number: u64, mean: f64) -> u64 {
    let quantile = (number as f64 * 0.618_033_988_749_895 + 0.5).fract();
    (-mean * (1.0 - quantile).ln()) as u64
}

/// The times of a capture's frames, in nanoseconds.
pub fn times(path: &Path) -> Result<Vec<u64>> {
    let mut times = Vec::new();
    each(path, |time, _| times.push(time))?;
    Ok(times)
}

/// The bytes of a capture's frames.
pub fn frames(path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    each(path, |_, bytes| frames.push(bytes.to_vec()))?;
    Ok(frames)
}

fn each(path: &Path, mut take: impl FnMut(u64, &[u8])) -> Result<()> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let mut reader = CaptureReader::new(bytes.as_slice())?;
    while let Some(record) = reader.next()? {
        take(record.time.as_nanos(), record.bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_60_bytes_and_their_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("three.pcap");
        write(&path, 3, |number| number * 1000).unwrap();
        let times = times(&path).unwrap();
        assert_eq!(times, [BEGIN, BEGIN + 1000, BEGIN + 3000]);
        assert!(frames(&path).unwrap().iter().all(|frame| frame.len() == 60));
    }

    #[test]
    fn exponential_gaps_have_their_mean() {
        let sum: u64 = (0..10_000).map(|number| exponential(number, 5e6)).sum();
        assert!((49_000_000_000..51_000_000_000).contains(&sum), "{sum}");
    }
}
