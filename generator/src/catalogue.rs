//! The built-in scenarios and stacks, which travel inside the binary.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, File, include_dir};

use crate::host::stack::Stacks;
use crate::reading::Node;
use crate::scenario::{Identity, ScenarioErrors, ScenarioFile, extended};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../scenarios");
static STACKS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../stacks");

/// The scenarios and stacks at hand.
#[derive(Debug)]
pub struct Catalogue {
    stacks: Stacks,
}

impl Catalogue {
    /// The built-in stacks; scenarios are read when they are asked for.
    ///
    /// # Errors
    /// The mistakes of a built-in stack, which the tests keep out.
    pub fn built_in() -> Result<Catalogue, ScenarioErrors> {
        let mut stacks = Stacks::new();
        for (name, text) in files(&STACKS) {
            let stack = ScenarioFile::parse_stack(&name, text)?;
            stacks.insert(stack.name.clone(), Arc::new(stack));
        }
        Ok(Catalogue { stacks })
    }

    /// The stacks.
    pub fn stacks(&self) -> &Stacks {
        &self.stacks
    }

    /// The ids of the built-in scenarios, in alphabetical order.
    pub fn ids(&self) -> Vec<String> {
        texts().into_keys().collect()
    }

    /// What the built-in scenarios say of themselves, in alphabetical order. Of each file no more is read than stands before
    /// its first table: TOML has the keys of the whole there.
    ///
    /// # Errors
    /// The mistakes of a file, which the tests keep out.
    pub fn identities() -> Result<Vec<Identity>, ScenarioErrors> {
        let read = |(name, text): &(String, &str)| {
            let head = text.split("\n[").next().unwrap_or(text);
            let head = Node::parse(name, head)?;
            let whole = match head.get("extends") {
                Some(_) => document(name, text)?,
                None => head,
            };
            Ok(ScenarioFile::unchecked(whole)?.identity().clone())
        };
        texts().values().map(read).collect()
    }

    /// A built-in scenario.
    ///
    /// # Errors
    /// The mistakes of its file, which the tests keep out; none when there is no such scenario.
    pub fn get(&self, id: &str) -> Option<Result<ScenarioFile, ScenarioErrors>> {
        let (name, text) = texts().remove(id)?;
        let read = document(&name, text).and_then(ScenarioFile::unchecked);
        Some(read.and_then(|file| {
            let named = file.identity().id == id;
            let message = format!("the file is called {id}, and so must the scenario be");
            named
                .then_some(file)
                .ok_or_else(|| crate::reading::error::stated(&name, message))
        }))
    }

    /// Reads a user's scenario.
    ///
    /// # Errors
    /// All mistakes at once, each with its line.
    pub fn read(&self, name: &str, text: &str) -> Result<ScenarioFile, ScenarioErrors> {
        ScenarioFile::from_document(document(name, text)?, &self.stacks)
    }

    /// Checks a built-in scenario with everything it offers, which [`get`](Catalogue::get) leaves to the tests.
    ///
    /// # Errors
    /// All mistakes at once, each with its line.
    pub fn check(&self, id: &str) -> Option<Result<ScenarioFile, ScenarioErrors>> {
        let (name, text) = texts().remove(id)?;
        Some(self.read(&name, text))
    }
}

/// A scenario's document, with what it extends.
fn document(name: &str, text: &str) -> Result<Node, ScenarioErrors> {
    let find = |id: &str| {
        let (name, text) = texts().remove(id)?;
        Some(Node::parse(&name, text))
    };
    extended(Node::parse(name, text)?, &find)
}

/// The built-in scenarios' files by id, which is the name of the file.
fn texts() -> BTreeMap<String, (String, &'static str)> {
    let stem = |name: &str| {
        name.rsplit('/')
            .next()
            .unwrap_or(name)
            .trim_end_matches(".toml")
            .to_owned()
    };
    files(&SCENARIOS)
        .into_iter()
        .map(|(name, text)| (stem(&name), (name, text)))
        .collect()
}

/// The TOML files of an embedded folder and those below it, in alphabetical order.
fn files(dir: &'static Dir<'static>) -> Vec<(String, &'static str)> {
    let mut all: Vec<&File<'_>> = Vec::new();
    let mut folders = vec![dir];
    while let Some(folder) = folders.pop() {
        all.extend(folder.files());
        folders.extend(folder.dirs());
    }
    let mut files: Vec<(String, &'static str)> = all
        .into_iter()
        .filter(|file| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "toml")
        })
        .filter_map(|file| {
            Some((
                format!("{}/{}", name_of(dir), file.path().display()),
                file.contents_utf8()?,
            ))
        })
        .collect();
    files.sort();
    files
}

fn name_of(dir: &'static Dir<'static>) -> &'static str {
    if std::ptr::eq(dir, &STACKS) {
        "stacks"
    } else {
        "scenarios"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_file_says_what_the_whole_says_of_itself() {
        let catalogue = Catalogue::built_in().unwrap();
        let heads = Catalogue::identities().unwrap();
        assert_eq!(heads.len(), catalogue.ids().len());
        for (id, head) in catalogue.ids().iter().zip(&heads) {
            let whole = catalogue.get(id).unwrap().unwrap();
            assert_eq!(format!("{head:?}"), format!("{:?}", whole.identity()));
        }
    }
}
