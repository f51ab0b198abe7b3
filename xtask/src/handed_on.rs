//! Options that a task does not know and hands on to `crywolf`, wherever they stand on the command line.
//!
//! The words are put in order before they are parsed: the task's own options and names, then `--`, then the rest. What
//! follows an option of `crywolf` and begins with no dash is taken for its value.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The argument of a task that takes what is handed on.
pub const NAME: &str = "handed_on";

/// Puts all words of a command line in order, if its task hands options on.
pub fn in_order(words: Vec<OsString>, tasks: &Command) -> Vec<OsString> {
    let task = words.get(1).and_then(|name| tasks.find_subcommand(name));
    match task.filter(|task| task.get_arguments().any(|arg| arg.get_id() == NAME)) {
        None => words,
        Some(task) => divide(words, task),
    }
}

fn divide(words: Vec<OsString>, task: &Command) -> Vec<OsString> {
    let (mut own, mut rest) = (Vec::new(), Vec::new());
    let mut words = words.into_iter();
    own.extend(words.by_ref().take(2));
    // Whether the word before was an option of crywolf that may have a value.
    let mut open = false;
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        if text == "--" {
            rest.extend(words.by_ref());
        } else if !text.starts_with('-') || text == "-" {
            let to = if open { &mut rest } else { &mut own };
            to.push(word);
            open = false;
        } else if let Some(arg) = find(task, &text) {
            own.push(word);
            if arg.is_some_and(|arg| arg.get_action().takes_values()) && !text.contains('=') {
                own.extend(words.next());
            }
            open = false;
        } else {
            open = !text.contains('=');
            rest.push(word);
        }
    }
    own.push("--".into());
    own.extend(rest);
    own
}

/// The option of the task that a word names: `Some(None)` for help.
fn find<'a>(task: &'a Command, word: &str) -> Option<Option<&'a Arg>> {
    let name = word.split('=').next().unwrap_or_default();
    if ["-h", "--help"].contains(&name) {
        return Some(None);
    }
    let long = name.strip_prefix("--")?;
    task.get_arguments()
        .find(|arg| arg.get_long() == Some(long))
        .map(Some)
}

/// The value of an option among those handed on.
pub fn value<'a>(words: &'a [String], option: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(nth, word)| {
        let after = word.strip_prefix(option)?;
        match after.strip_prefix('=') {
            Some(value) => Some(value),
            None if after.is_empty() => words.get(nth + 1).map(String::as_str),
            None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(line: &str) -> String {
        let task = Command::new("replay")
            .arg(Arg::new("what").num_args(0..))
            .arg(Arg::new("netns").long("netns"))
            .arg(
                Arg::new("wait")
                    .long("wait")
                    .action(clap::ArgAction::SetTrue),
            )
            .arg(Arg::new(NAME).last(true).num_args(0..));
        let tasks = Command::new("xtask")
            .subcommand(task)
            .subcommand(Command::new("test"));
        let words = line.split(' ').map(OsString::from).collect();
        let words = super::in_order(words, &tasks);
        words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn own_options_come_first_and_others_keep_their_order() {
        for (line, ordered) in [
            (
                "xtask replay a --speed 10 --netns lab --top",
                "xtask replay a --netns lab -- --speed 10 --top",
            ),
            (
                "xtask replay --speed=10 a --wait b --netns=lab",
                "xtask replay a --wait b --netns=lab -- --speed=10",
            ),
            ("xtask replay a -- --netns b", "xtask replay a -- --netns b"),
            ("xtask replay --help", "xtask replay --help --"),
            ("xtask test --speed 10", "xtask test --speed 10"),
        ] {
            assert_eq!(in_order(line), ordered);
        }
    }

    #[test]
    fn values_are_found_in_both_forms() {
        let words = ["--mtu", "900", "--queues=4", "--mtus", "1"].map(str::to_owned);
        assert_eq!(value(&words, "--mtu"), Some("900"));
        assert_eq!(value(&words, "--queues"), Some("4"));
        assert_eq!(value(&words, "--limit"), None);
    }
}
