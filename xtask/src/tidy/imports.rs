//! Circles of imports between files: there are none but those that are named here, so that a file can be read with what it
//! imports and without what imports it.
//!
//! A file imports another where it uses a name that the other defines; who hands a name on (`pub use`) is not where it comes
//! from. That a file declares its parts (`mod`) is no import. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A connection of TCP and its way out: one machine in two files.
const ALLOWED: [&[&str]; 1] = [&["host::tcp::connection", "host::tcp::egress"]];

/// Hands through which a name goes at most.
const MOST_HANDS: usize = 8;

/// A module by its names from the crate on.
type Module = Vec<String>;

/// What a file imports and hands on.
#[derive(Default)]
struct File {
    /// Paths that are used, as they are written.
    used: BTreeSet<Module>,
    /// Names that are imported, by the file for itself or handed on, and the paths that they stand for.
    known: BTreeMap<String, Module>,
    /// Modules inside of the file that the reading has entered.
    depth: usize,
}

/// The circles among the files of a crate, by the folder of its sources.
pub fn circles(sources: &Path) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    read(sources, &Module::new(), &mut files)?;
    let edges: BTreeMap<&Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, file)| (module, imports(module, file, &files)))
        .collect();
    let reach: BTreeMap<&Module, BTreeSet<Module>> = files
        .keys()
        .map(|module| (module, reached(module, &edges)))
        .collect();
    let mut found = BTreeSet::new();
    for (module, others) in &reach {
        let back = |other: &&Module| reach.get(*other).is_some_and(|all| all.contains(*module));
        let circle: Vec<String> = others
            .iter()
            .filter(back)
            .map(|other| other.join("::"))
            .collect();
        if circle.len() > 1 && !ALLOWED.iter().any(|allowed| circle == *allowed) {
            found.insert(circle.join(", "));
        }
    }
    Ok(found.into_iter().collect())
}

/// Reads the files of a folder, which is a module.
fn read(folder: &Path, module: &Module, files: &mut BTreeMap<Module, File>) -> Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let inner: Module = match &*stem {
            "mod" | "lib" | "main" => module.clone(),
            name => module.iter().cloned().chain([name.to_owned()]).collect(),
        };
        if path.is_dir() {
            read(&path, &inner, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
            let mut file = File::default();
            file.visit_file(&parsed);
            files.insert(inner, file);
        }
    }
    Ok(())
}

/// The files that define what a file uses.
fn imports(module: &Module, file: &File, files: &BTreeMap<Module, File>) -> BTreeSet<Module> {
    let used = file.used.iter();
    used.filter_map(|path| origin(module, path, files, 0))
        .filter(|origin| origin != module)
        .collect()
}

/// The file that defines what a path names, which a module uses; `None` for a module itself and what comes from elsewhere.
fn origin(
    module: &Module,
    path: &[String],
    files: &BTreeMap<Module, File>,
    hands: usize,
) -> Option<Module> {
    let (first, mut rest) = path.split_first()?;
    let mut at = module.clone();
    match first.as_str() {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            at.pop();
            while let Some((_, behind)) = rest.split_first().filter(|(next, _)| *next == "super") {
                at.pop();
                rest = behind;
            }
        }
        name => {
            at.push(name.to_owned());
            if !files.contains_key(&at) {
                // A name that the file has imported.
                let from = files.get(module)?.known.get(name)?;
                let path: Module = from.iter().chain(rest).cloned().collect();
                return (hands < MOST_HANDS).then(|| origin(module, &path, files, hands + 1))?;
            }
        }
    }
    while let Some((next, behind)) = rest.split_first() {
        at.push(next.clone());
        if !files.contains_key(&at) {
            at.pop();
            break;
        }
        rest = behind;
    }
    let (name, behind) = rest.split_first()?;
    match files.get(&at)?.known.get(name) {
        Some(from) if hands < MOST_HANDS => {
            let path: Module = from.iter().chain(behind).cloned().collect();
            origin(&at, &path, files, hands + 1)
        }
        _ => Some(at),
    }
}

/// All modules that one imports, by way of others too.
fn reached(from: &Module, edges: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|what| what.is_ident("test"))
    })
}

impl File {
    /// A path that is used, as the file itself would write it.
    fn uses(&mut self, mut path: Module) {
        for _ in 0..self.depth {
            if path.first().is_some_and(|first| first == "super") {
                path.remove(0);
            }
        }
        if path.len() > 1 {
            self.used.insert(path);
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &Module, hands_on: bool) {
        let with = |name: String| -> Module { before.iter().cloned().chain([name]).collect() };
        let (path, name) = match tree {
            UseTree::Path(path) => {
                return self.tree(&path.tree, &with(path.ident.to_string()), hands_on);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, hands_on);
                }
                return;
            }
            UseTree::Glob(_) => (with("*".to_owned()), "*".to_owned()),
            UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                (before.clone(), name)
            }
            UseTree::Name(name) => (with(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(rename) => (with(rename.ident.to_string()), rename.rename.to_string()),
        };
        if self.depth == 0 {
            self.known.insert(name, path.clone());
        }
        if !hands_on {
            self.uses(path);
        }
    }
}

impl Visit<'_> for File {
    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        let hands_on = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &Module::new(), hands_on);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names = path.segments.iter();
        self.uses(names.map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        circles(folder.path()).unwrap()
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let found = of(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
            ("b.rs", "pub struct B(Vec<super::a::A>);\n"),
        ]);
        assert_eq!(found, ["a, b"]);
    }

    #[test]
    fn who_hands_a_name_on_and_what_tests_import_makes_no_circle() {
        let found = of(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\n"),
            (
                "a.rs",
                "pub struct A;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            ),
            ("b.rs", "use crate::A;\npub struct B(A);\n"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }
}
