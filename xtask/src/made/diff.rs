//! The difference of two texts, by lines, for people.

use similar::{ChangeTag, TextDiff};

/// Lines shown of all differences of two texts.
const MOST_LINES: usize = 120;

/// The lines that differ, place by place: `-` was, `+` is.
pub fn lines(was: &str, is: &str) -> String {
    let diff = TextDiff::from_lines(was, is);
    let mut text = String::new();
    let (mut shown, mut more) = (0, 0);
    for group in diff.grouped_ops(0) {
        let line = group.first().map_or(0, |op| op.new_range().start);
        if shown < MOST_LINES {
            text.push_str(&format!("  @ line {}\n", line + 1));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => continue,
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            if shown == MOST_LINES {
                more += 1;
                continue;
            }
            shown += 1;
            text.push_str(&format!(
                "  {mark}{}\n",
                change.value().trim_end_matches('\n')
            ));
        }
    }
    if more > 0 {
        text.push_str(&format!("  ... {more} lines more\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_that_are_equal_are_left_out() {
        let text = super::lines("a\nb\nc\n", "a\nx\ny\nc\n");
        assert_eq!(text, "  @ line 2\n  -b\n  +x\n  +y\n");
    }

    #[test]
    fn every_place_is_named_and_a_long_difference_cut() {
        let text = super::lines("a\nb\nc\n", "x\nb\ny\n");
        assert_eq!(text, "  @ line 1\n  -a\n  +x\n  @ line 3\n  -c\n  +y\n");
        let text = super::lines("", &"a\n".repeat(200));
        assert!(text.ends_with("  ... 80 lines more\n"), "{text}");
    }

    #[test]
    fn lines_that_are_gone_are_shown() {
        assert_eq!(super::lines("a\nb\n", "a\n"), "  @ line 2\n  -b\n");
    }
}
