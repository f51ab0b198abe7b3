//! All frames of a capture as one small picture: time across; up, whatever differs most from frame to frame (a port or an
//! address), in order; coloured by the verdict of the event. It shows a sweep as a slope, a flood as a block.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use anyhow::Result;
use labels::Verdict;
use wire::Layers;
use wire::capture::CaptureReader;

use super::recorded::Recorded;
use super::{ladder, svg};

/// Cells across and up.
const CELLS: (usize, usize) = (150, 40);
/// Width and height of a cell in pixels.
const CELL: u32 = 2;
const LEGEND: u32 = 16;

/// What a frame is drawn by. `asker` is the end that spoke first.
struct Dot {
    nanos: u64,
    asker: IpAddr,
    asked: IpAddr,
    ports: Option<(u16, u16)>,
    verdict: Option<Verdict>,
}

/// What stands upward.
#[derive(Clone, Copy)]
struct Axis {
    name: &'static str,
    place: fn(&Dot) -> Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Port(u16),
    Address(IpAddr),
}

/// Where several differ equally, the first is taken; the last only where nothing else differs, since every program draws its
/// own port anew.
const AXES: [Axis; 4] = [
    Axis {
        name: "ports asked",
        place: |dot| dot.ports.map(|(_, asked)| Place::Port(asked)),
    },
    Axis {
        name: "addresses asked",
        place: |dot| Some(Place::Address(dot.asked)),
    },
    Axis {
        name: "addresses that ask",
        place: |dot| Some(Place::Address(dot.asker)),
    },
    Axis {
        name: "ports that ask",
        place: |dot| dot.ports.map(|(asker, _)| Place::Port(asker)),
    },
];

/// The picture.
///
/// # Errors
/// Fails on a capture that cannot be read.
pub fn svg(recorded: &Recorded) -> Result<String> {
    let dots = dots(recorded)?;
    let axis = axis(&dots);
    let places: BTreeSet<Place> = dots.iter().filter_map(axis.place).collect();
    let rank: BTreeMap<Place, usize> = places.into_iter().zip(0..).collect();
    let span = dots.last().map_or(1, |dot| dot.nanos.max(1));
    let mut cells: BTreeMap<&str, BTreeSet<(usize, usize)>> = BTreeMap::new();
    for dot in &dots {
        let across = (dot.nanos as u128 * (CELLS.0 as u128 - 1) / span as u128) as usize;
        let up = (axis.place)(dot).and_then(|place| rank.get(&place));
        let Some(up) = up else { continue };
        let row = if rank.len() <= CELLS.1 {
            (2 * up + 1) * CELLS.1 / (2 * rank.len())
        } else {
            up * CELLS.1 / rank.len()
        };
        let class = dot.verdict.map_or("background", Verdict::name);
        let row = CELLS.1 - 1 - row.min(CELLS.1 - 1);
        cells.entry(class).or_default().insert((row, across));
    }
    let (width, height) = (CELLS.0 as u32 * CELL, CELLS.1 as u32 * CELL);
    let title = format!(
        "{} frames in {:.0} seconds; up: {} {}",
        dots.len(),
        span as f64 / 1e9,
        rank.len(),
        axis.name
    );
    // A letter of the monospaced face is six tenths as wide as high: a long legend is set smaller, so that it fits.
    let fits = f64::from(width) / (0.6 * title.chars().count() as f64);
    let style = format!(
        "{}path{{stroke-width:{CELL}}}.t{{font-size:{:.1}px}}",
        svg::STYLE,
        fits.min(11.0)
    );
    let mut picture = svg::open(width, height + LEGEND, &title, &style);
    for (class, cells) in &cells {
        let _ = writeln!(picture, "<path class='{class}' d='{}'/>", path(cells));
    }
    let _ = write!(
        picture,
        "<text class='t' x='0' y='{}'>{title}</text>\n</svg>\n",
        height + 12
    );
    Ok(picture)
}

/// Cells as strokes from left to right.
fn path(cells: &BTreeSet<(usize, usize)>) -> String {
    let mut path = String::new();
    let mut cells = cells.iter().copied().peekable();
    while let Some((row, first)) = cells.next() {
        let mut last = first;
        while cells.next_if_eq(&(row, last + 1)).is_some() {
            last += 1;
        }
        let (x, y) = (first as u32 * CELL, row as u32 * CELL + CELL / 2);
        let _ = write!(path, "M{x} {y}h{}", (last - first + 1) as u32 * CELL);
    }
    path
}

/// The axis of which the frames of events show the most places; of all frames, where there are no events.
fn axis(dots: &[Dot]) -> Axis {
    let eventful: Vec<&Dot> = dots.iter().filter(|dot| dot.verdict.is_some()).collect();
    let of: Vec<&Dot> = if eventful.is_empty() {
        dots.iter().collect()
    } else {
        eventful
    };
    let differing = |axis: &Axis| {
        let places: BTreeSet<Place> = of.iter().filter_map(|dot| (axis.place)(dot)).collect();
        places.len()
    };
    let mut best = (AXES[0], differing(&AXES[0]));
    for axis in &AXES[1..] {
        let places = differing(axis);
        let own_port = axis.name == AXES[3].name;
        if places > best.1 && (!own_port || best.1 <= 2) {
            best = (*axis, places);
        }
    }
    best.0
}

fn dots(recorded: &Recorded) -> Result<Vec<Dot>> {
    let truth = &recorded.truth;
    let mut reader = CaptureReader::new(recorded.capture.as_slice())?;
    let mut first_to_speak = BTreeMap::new();
    let mut dots = Vec::new();
    let mut events = ladder::events(truth);
    let mut start = None;
    while let Some(record) = reader.next()? {
        let event = events.next().flatten();
        let start = *start.get_or_insert(record.time);
        let layers = Layers::decode_cut(record.link_type, record.bytes, record.original_length);
        let Some((sender, receiver)) = ladder::ends(&layers) else {
            continue;
        };
        let ports = layers.ports();
        let (of_sender, of_receiver) = ports.unzip();
        let (one, other) = ((sender, of_sender), (receiver, of_receiver));
        let asker = *first_to_speak
            .entry((one.min(other), one.max(other)))
            .or_insert(one);
        let asked = if asker == one { other } else { one };
        dots.push(Dot {
            nanos: record.time.nanos_since(start),
            asker: asker.0,
            asked: asked.0,
            ports: asker.1.zip(asked.1),
            verdict: event.map(|event| event.verdict),
        });
    }
    Ok(dots)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn neighbouring_cells_are_one_stroke() {
        let cells = [(0, 1), (0, 2), (0, 4), (3, 4)].into_iter().collect();
        assert_eq!(path(&cells), "M2 1h4M8 1h2M8 7h2");
    }
}
