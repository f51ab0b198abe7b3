//! A line of a table as cells.

/// The cells of a line that `delimiter` divides; spaces around them are left out. A cell in double quotes may hold the
/// delimiter, and a quote as two. `None` for a quote that does not end.
pub(super) fn cells(line: &str, delimiter: char) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        rest =
            rest.trim_start_matches(|letter: char| letter.is_whitespace() && letter != delimiter);
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (cell, after) = unquoted(quoted)?;
                (
                    cell,
                    after
                        .trim_start_matches([' ', '\t'])
                        .strip_prefix(delimiter)
                        .or_else(|| {
                            after
                                .find(delimiter)
                                .and_then(|at| after.get(at + delimiter.len_utf8()..))
                        }),
                )
            }
            None => match rest.split_once(delimiter) {
                Some((cell, after)) => (cell.trim_end().to_owned(), Some(after)),
                None => (rest.trim_end().to_owned(), None),
            },
        };
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return Some(cells),
        }
    }
}

/// The cell up to its closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cells;

    fn of(line: &str, delimiter: char) -> Vec<String> {
        cells(line, delimiter).unwrap()
    }

    #[test]
    fn cells_are_divided_outside_quotes() {
        assert_eq!(of("a,b", ','), ["a", "b"]);
        assert_eq!(of("a, b ,,", ','), ["a", "b", "", ""]);
        assert_eq!(of(r#"1, "x, ""y""", z"#, ','), ["1", r#"x, "y""#, "z"]);
        assert_eq!(of("a\t\tb", '\t'), ["a", "", "b"]);
        assert_eq!(of("a;\"b;c\"", ';'), ["a", "b;c"]);
        assert_eq!(of("", ','), [""]);
    }

    #[test]
    fn a_quote_that_does_not_end_is_no_cell() {
        assert_eq!(cells("a,\"b", ','), None);
    }
}
