//! The difference of two texts, by lines, for people.

/// Lines shown of each difference.
const MOST_LINES: usize = 60;

/// What stands between the lines that both begin with and those that both end with: `-` was, `+` is.
pub fn lines(was: &str, is: &str) -> String {
    let (was, is): (Vec<&str>, Vec<&str>) = (was.lines().collect(), is.lines().collect());
    let front = was.iter().zip(&is).take_while(|(a, b)| a == b).count();
    let (was_rest, is_rest) = (&was[front..], &is[front..]);
    let back = was_rest
        .iter()
        .rev()
        .zip(is_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut text = format!("  @ line {}\n", front + 1);
    for (mark, lines) in [("-", was_rest), ("+", is_rest)] {
        let changed = &lines[..lines.len() - back];
        for line in changed.iter().take(MOST_LINES) {
            text.push_str(&format!("  {mark}{line}\n"));
        }
        if changed.len() > MOST_LINES {
            text.push_str(&format!(
                "  {mark}... {} lines more\n",
                changed.len() - MOST_LINES
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn equal_lines_at_both_ends_are_left_out() {
        let text = super::lines("a\nb\nc\n", "a\nx\ny\nc\n");
        assert_eq!(text, "  @ line 2\n  -b\n  +x\n  +y\n");
    }

    #[test]
    fn lines_that_are_gone_are_shown() {
        assert_eq!(super::lines("a\na\n", "a\n"), "  @ line 2\n  -a\n");
    }
}
