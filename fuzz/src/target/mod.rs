//! What is fed: a file for each thing that reads what others have written.

mod frames;
mod guard;
mod labels;
mod listing;
mod rewriting;
mod scenario;

use crate::mutate::Form;

/// Something that reads.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and its folder's in the corpus.
    pub name: &'static str,
    /// What its inputs look like.
    pub form: Form,
    /// Inputs besides those of its own folder: all files of a folder of the repository with that ending.
    pub files: &'static [(&'static str, &'static str)],
    /// And those that are made.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads an input. It fails by a panic, by never ending, or by taking all memory.
    pub run: fn(&[u8]),
}

fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

/// All of them.
pub const ALL: [Target; 13] = [
    Target {
        name: "capture",
        form: Form::Binary,
        files: &[("golden/real", "pcap")],
        seeds: frames::captures,
        run: frames::read,
    },
    Target {
        name: "decode",
        form: Form::Binary,
        files: &[],
        seeds: frames::frames,
        run: frames::decode,
    },
    Target {
        name: "detector",
        form: Form::Capture,
        files: &[("golden/real", "pcap")],
        seeds: frames::captures,
        run: frames::detect,
    },
    Target {
        name: "scenario",
        form: Form::Text,
        files: &[("scenarios", "toml")],
        seeds: none,
        run: scenario::scenario,
    },
    Target {
        name: "stack",
        form: Form::Text,
        files: &[("stacks", "toml")],
        seeds: none,
        run: scenario::stack,
    },
    Target {
        name: "truth",
        form: Form::Text,
        files: &[("golden", "truth.json")],
        seeds: none,
        run: labels::truth,
    },
    Target {
        name: "finding",
        form: Form::Text,
        files: &[("golden", "jsonl")],
        seeds: none,
        run: labels::finding,
    },
    Target {
        name: "notation",
        form: Form::Text,
        files: &[("golden", "txt")],
        seeds: none,
        run: listing::notation,
    },
    Target {
        name: "listing",
        form: Form::Text,
        files: &[("tests/it/listings", "txt")],
        seeds: none,
        run: listing::listing,
    },
    Target {
        name: "map",
        form: Form::Text,
        files: &[],
        seeds: none,
        run: rewriting::map,
    },
    Target {
        name: "rewriting",
        form: Form::Capture,
        files: &[],
        seeds: frames::captures,
        run: rewriting::rewriting,
    },
    Target {
        name: "guard",
        form: Form::Binary,
        files: &[],
        seeds: frames::frames,
        run: guard::frame,
    },
    Target {
        name: "netlink",
        form: Form::Binary,
        files: &[],
        seeds: guard::recorded,
        run: guard::netlink,
    },
];
