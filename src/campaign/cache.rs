//! Captures that were made before, kept for the next campaign.
//!
//! An entry is a folder of captures and their truth. Its name is a digest of everything they depend on: the scenario and its
//! background, the seed, the step, what was set, the sensors; and it lies in a folder named after the digest of this very
//! program. So an entry is never out of date, only unused. All lie in `$XDG_CACHE_HOME/crywolf`, else `~/.cache/crywolf`.
//!
//! Campaigns go through their captures in the same order each time: who takes out the least recently used to make room takes
//! out what is wanted next. So what is there stays, and new entries are taken in while there is room; what other programs
//! left an hour ago and what nobody has used for a week makes room.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use generator::Catalogue;
use sha2::{Digest, Sha256};

use crate::capture::order::{Order, Terms};
use crate::capture::produce::{self, Produced};
use crate::capture::truth::read_truth;
use crate::process::temporary::Folder;

/// The most that the folder holds, in bytes.
pub const BOUND: u64 = 4 << 30;

/// How long an entry of another program stays after its last use: that program may be running.
const FRESH: Duration = Duration::from_secs(3600);

/// How long one of this program stays.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// A capture larger than this is made again each time: it would take the room of many others.
const MOST: u64 = 128 << 20;

/// A folder of captures.
#[derive(Debug)]
pub struct Cache {
    /// The folder of this program's.
    own: PathBuf,
    /// How much there still is room for, in bytes.
    room: Mutex<u64>,
}

impl Cache {
    /// The cache in `folder`, or in the user's.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn open(folder: Option<&Path>) -> Result<Option<Cache>> {
        let Some(folder) = folder.map(Path::to_owned).or_else(users) else {
            return Ok(None);
        };
        fs::create_dir_all(&folder).with_context(|| {
            format!(
                "cannot make the cache {}: see --cache and --no-cache",
                folder.display()
            )
        })?;
        let program = digest_of_program().context("cannot read this program's own file")?;
        let own = folder.join(program.get(..16).unwrap_or(&program));
        fs::create_dir_all(&own).with_context(|| format!("cannot make {}", own.display()))?;
        let used = clear(&folder, &own);
        Ok(Some(Cache {
            own,
            room: Mutex::new(BOUND.saturating_sub(used)),
        }))
    }

    /// The captures of an order: those that were made before, or new ones.
    ///
    /// # Errors
    /// As [`produce::produce`].
    pub fn produce(
        &self,
        catalogue: &Catalogue,
        order: &Order,
        terms: &Terms,
        scratch: &Path,
    ) -> Result<Vec<Produced>> {
        let entry = self.own.join(key(order, terms));
        if let Some(kept) = kept(&entry) {
            return Ok(kept);
        }
        let made = produce::produce(catalogue, order, terms, scratch)?;
        let size: u64 = (made.iter())
            .filter_map(|one| Some(fs::metadata(&one.capture).ok()?.len()))
            .sum();
        if size > MOST || !self.reserve(size) {
            return Ok(made);
        }
        // A cache that fails, because the disk is full or another run was faster, costs only time.
        self.keep(&entry, &made).unwrap_or(());
        Ok(kept(&entry).unwrap_or(made))
    }

    /// Takes room, if there is so much.
    fn reserve(&self, size: u64) -> bool {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let left = room.checked_sub(size);
        *room = left.unwrap_or(*room);
        left.is_some()
    }

    /// Where a run that fills it may work: what is there can be taken in without being copied.
    pub fn folder(&self) -> &Path {
        &self.own
    }

    /// Takes captures in: the folder gets its name when it is whole.
    fn keep(&self, entry: &Path, made: &[Produced]) -> io::Result<()> {
        let place = Folder::within(&self.own)?;
        for one in made {
            for path in [
                one.capture.clone(),
                one.capture.with_extension("truth.json"),
            ] {
                let name = path.file_name().unwrap_or_default();
                link_or_copy(&path, &place.path().join(name))?;
            }
        }
        place.keep(entry)
    }
}

/// What an order's captures depend on; stacks, tools and built-in scenarios are part of the program.
fn key(order: &Order, terms: &Terms) -> String {
    let conditions = (
        &terms.set,
        &terms.faults,
        terms.nanos,
        terms.label_background,
    );
    let mut digest = Sha256::new();
    for part in [&format!("{order:?}"), &format!("{conditions:?}")] {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    hexadecimal(&digest.finalize())
}

/// Takes out what makes room, and returns how many bytes stay.
fn clear(folder: &Path, own: &Path) -> u64 {
    let mut stays = 0;
    for program in folders(folder) {
        let age = if program == own { WEEK } else { FRESH };
        for entry in folders(&program) {
            if !is_older(&entry, age) || fs::remove_dir_all(&entry).is_err() {
                stays += size(&entry);
            }
        }
        if program != own && is_older(&program, FRESH) {
            // Goes when nothing is left in it.
            let _ = fs::remove_dir(&program);
        }
    }
    stays
}

fn is_older(folder: &Path, age: Duration) -> bool {
    let used = fs::metadata(folder).and_then(|folder| folder.modified());
    used.is_ok_and(|used| used.elapsed().is_ok_and(|elapsed| elapsed >= age))
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// What an entry holds, marked as used; `None` where it is not there or not whole.
#[expect(
    clippy::disallowed_methods,
    reason = "when an entry was used last is told by the clock of the machine"
)]
fn kept(entry: &Path) -> Option<Vec<Produced>> {
    let mut names: Vec<PathBuf> = fs::read_dir(entry)
        .ok()?
        .flatten()
        .map(|file| file.path())
        .collect();
    names.sort();
    let truths = names
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"));
    let mut kept = Vec::new();
    for path in truths {
        let truth = read_truth(path).ok()?;
        let capture = entry.join(&truth.capture.file);
        if !capture.is_file() {
            return None;
        }
        kept.push(Produced { capture, truth });
    }
    let used = File::open(entry).and_then(|folder| folder.set_modified(SystemTime::now()));
    (!kept.is_empty() && used.is_ok()).then_some(kept)
}

fn size(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

/// Another name for a file, or a copy of it where there can be none.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()))
}

fn users() -> Option<PathBuf> {
    let named = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(base.join("crywolf"))
}

/// Two programs that make other captures differ, whatever version they call themselves.
fn digest_of_program() -> io::Result<String> {
    digest_of(&std::env::current_exe()?)
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// What the system says.
pub fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            read => digest.update(block.get(..read).unwrap_or_default()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(catalogue: &Catalogue, seed: u64) -> Order {
        Order::of(
            crate::capture::order::find(catalogue, "fin-scan").unwrap(),
            seed,
        )
    }

    #[test]
    fn the_same_order_is_made_once_and_another_one_is_not_it() {
        let (folder, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = Cache::open(Some(folder.path())).unwrap().unwrap();
        let catalogue = Catalogue::built_in().unwrap();
        let terms = Terms::default();
        let make = |seed| {
            cache
                .produce(&catalogue, &order(&catalogue, seed), &terms, scratch.path())
                .unwrap()
        };
        let first = make(1);
        assert!(first[0].capture.starts_with(folder.path()));
        let written = fs::metadata(&first[0].capture).unwrap().modified().unwrap();
        let again = make(1);
        assert_eq!(again[0].truth, first[0].truth);
        assert_eq!(
            digest_of(&again[0].capture).unwrap(),
            first[0].truth.capture.sha256
        );
        assert_eq!(
            fs::metadata(&again[0].capture).unwrap().modified().unwrap(),
            written
        );
        assert_eq!(folders(&cache.own).len(), 1);
        make(2);
        assert_eq!(folders(&cache.own).len(), 2);
    }

    #[test]
    fn there_is_no_room_beyond_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap().unwrap();
        assert!(cache.reserve(BOUND - 10) && cache.reserve(10) && !cache.reserve(1));
    }

    #[test]
    fn what_others_left_and_what_is_old_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own");
        for (name, hours) in [
            ("own/used", 3),
            ("own/old", 24 * 8),
            ("other/left", 3),
            ("other/fresh", 0),
        ] {
            let entry = folder.path().join(name);
            fs::create_dir_all(&entry).unwrap();
            fs::write(entry.join("a.pcap"), [0; 1000]).unwrap();
            let written = fs::metadata(&entry).unwrap().modified().unwrap();
            let used = written - Duration::from_secs(hours * 3600);
            File::open(&entry).unwrap().set_modified(used).unwrap();
        }
        assert_eq!(clear(folder.path(), &own), 2000);
        assert!(own.join("used").exists() && folder.path().join("other/fresh").exists());
    }
}
