//! Hex dumps of `tcpdump -x` and its kin: `0x0010:  0030 5467 … .0Tg`, and rows without an offset of the oldest versions.
//!
//! Editors hid addresses in them as `XXXX`; such bytes are unknown.

use std::iter::Peekable;
use std::str::Split;

use crate::said::HexByte;

/// Bytes of a full row.
const ROW: usize = 16;

/// A row of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins, where the row says it.
    pub(super) offset: Option<usize>,
    pub(super) bytes: Vec<HexByte>,
}

/// Reads a row, where the line is one.
pub(super) fn row(line: &str) -> Option<Row> {
    let text = line.trim_start();
    if let Some(rest) = text.strip_prefix("0x") {
        let digits = rest.find(|c: char| !c.is_ascii_hexdigit())?;
        let (offset, rest) = rest.split_at_checked(digits)?;
        let offset = usize::from_str_radix(offset, 16).ok()?;
        let rest = rest.trim_start_matches(':').trim_start();
        let bytes = bytes(rest);
        return (!bytes.is_empty()).then_some(Row {
            offset: Some(offset),
            bytes,
        });
    }
    // Without an offset nothing but groups of four may stand there.
    let groups: Vec<&str> = text.split_whitespace().collect();
    let (last, full) = groups.split_last()?;
    let full = full.iter().all(|group| group.len() == 4) && matches!(last.len(), 2 | 4);
    let indented = line.starts_with([' ', '\t']) && groups.len() <= ROW / 2;
    let bytes = bytes(text);
    let all = bytes.len() == groups.iter().map(|group| group.len() / 2).sum::<usize>();
    (full && indented && all).then_some(Row {
        offset: None,
        bytes,
    })
}

/// Groups up to the first that is none, or to a gap; what follows is the text column.
fn bytes(text: &str) -> Vec<HexByte> {
    let mut bytes = Vec::with_capacity(ROW);
    let mut groups = text.split(' ').peekable();
    while let Some(group) = next_group(&mut groups) {
        bytes.extend(group);
        if bytes.len() >= ROW {
            break;
        }
    }
    bytes.truncate(ROW);
    bytes
}

fn next_group(groups: &mut Peekable<Split<'_, char>>) -> Option<Vec<HexByte>> {
    let group = groups.next()?;
    if !matches!(group.len(), 2 | 4) || !group.is_ascii() {
        return None;
    }
    let pairs = group
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| byte(pair?)).collect()
}

fn byte(pair: &str) -> Option<HexByte> {
    if pair.chars().all(|c| matches!(c, 'X' | 'x' | '?')) {
        return Some(None);
    }
    u8::from_str_radix(pair, 16).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(line: &str) -> Option<(Option<usize>, Vec<u8>)> {
        let row = row(line)?;
        Some((
            row.offset,
            row.bytes
                .into_iter()
                .map(|byte| byte.unwrap_or(0xee))
                .collect(),
        ))
    }

    #[test]
    fn each_way_to_print_a_row_is_known() {
        let bytes = vec![0x45, 0, 0xab];
        assert_eq!(
            known("\t0x0010:  4500 ab                 E.."),
            Some((Some(16), bytes.clone()))
        );
        assert_eq!(known("0x0010 4500 ab E.."), Some((Some(16), bytes.clone())));
        assert_eq!(known("\t\t\t 4500 ab"), Some((None, bytes)));
        assert_eq!(
            known("0x0010 XXXX 0cc8 .."),
            Some((Some(16), vec![0xee, 0xee, 0x0c, 0xc8]))
        );
    }

    #[test]
    fn the_text_column_is_never_taken_for_bytes() {
        let full = "\t0x0000:  4142 4344 4546 4748 4142 4344 4546 4748  4142 ABCDEF";
        assert_eq!(known(full).unwrap().1.len(), 16);
        assert_eq!(known("\t0x0000:  4142  beef").unwrap().1, [0x41, 0x42]);
        for line in ["", "\tcafe then", "4500 0001", "0x", "0xzz 45", " 450 00"] {
            assert_eq!(known(line), None, "{line}");
        }
    }
}
