//! Pictures of captures in SVG: they stand alone, follow light and dark, and name themselves to who cannot see them.

use std::fmt::Write;

use labels::Verdict;

use super::ladder::{Ladder, Rung};

/// Colours by verdict; the middle of the scale, so that they are seen on white and on black.
pub const STYLE: &str = "\
text{font:11px ui-monospace,monospace;fill:#333}\
.t{fill:#888}.e{text-anchor:end}.m{text-anchor:middle}\
path{fill:none;stroke:#8a8f98;stroke-width:1.3}\
.attack{stroke:#d33}.reconnaissance{stroke:#d97706}.backscatter{stroke:#9456d6}.legitimate{stroke:#2b7de0}.normal{stroke:#2e9e5b}\
@media(prefers-color-scheme:dark){text{fill:#ddd}.t{fill:#999}}";

const WIDTH: u32 = 780;
/// Where the arrows begin and end.
const LINE: (u32, u32) = (275, 545);
const HEAD: u32 = 30;
const STEP: u32 = 22;

/// A sequence diagram.
pub fn ladder(ladder: &Ladder) -> String {
    let height = HEAD + STEP * ladder.rungs.len() as u32 + 8;
    let title = format!(
        "The first {} of {} frames at sensor {}",
        ladder.rungs.len(),
        ladder.total,
        ladder.sensor
    );
    let mut svg = open(WIDTH, height, &title, STYLE);
    let _ = writeln!(
        svg,
        "<text class='t e' x='70' y='14'>seconds</text><text class='t e' x='{}' y='14'>sensor's site</text>",
        LINE.0 - 8
    );
    for (rung, n) in ladder.rungs.iter().zip(1..) {
        draw(&mut svg, rung, HEAD + STEP * n - 8);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, rung: &Rung, y: u32) {
    let (from, to) = LINE;
    let arrow = if rung.rightward {
        format!("M{from} {y}H{to}m-6-3 6 3-6 3")
    } else {
        format!("M{to} {y}H{from}m6-3-6 3 6 3")
    };
    let _ = writeln!(
        svg,
        "<text class='t e' x='70' y='{base}'>{seconds:.6}</text><text class='e' x='{left_x}' y='{base}'>{left}</text>\
         <path class='{class}' d='{arrow}'/><text class='m' x='{middle}' y='{above}'>{label}</text>\
         <text x='{right_x}' y='{base}'>{right}</text>",
        base = y + 4,
        seconds = rung.seconds,
        left_x = from - 8,
        left = escaped(&rung.left),
        class = rung.verdict.map_or("background", Verdict::name),
        middle = (from + to) / 2,
        above = y - 4,
        label = escaped(&rung.label),
        right_x = to + 8,
        right = escaped(&rung.right),
    );
}

/// The beginning of a picture.
pub fn open(width: u32, height: u32, title: &str, style: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img'>\
         <title>{}</title><style>{style}</style>\n",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_an_arrow_in_the_colour_of_its_event() {
        let rung = Rung {
            seconds: 0.25,
            left: "a<b:80".into(),
            right: "c:1025".into(),
            rightward: false,
            label: "S 1".into(),
            verdict: Some(Verdict::Attack),
        };
        let svg = ladder(&Ladder {
            sensor: "home".into(),
            total: 9,
            rungs: vec![rung],
        });
        for part in [
            "a&lt;b:80",
            "class='attack' d='M545 44H275m6-3-6 3 6 3'",
            "0.250000",
            "1 of 9 frames",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
    }
}
