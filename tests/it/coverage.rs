//! Every scenario is whole: the documents' are all there, and each has facts, its story's other side, golden files and a page. Classes
//! are listed.

use std::fs;
use std::path::{Path, PathBuf};

use generator::{Catalogue, Request};

use crate::tools::crywolf_ok;

/// Bytes of golden files that a scenario may have, so that the repository stays small.
const GOLDEN_BYTES: u64 = 40 * 1024;
/// How many behaviours the documents describe.
const DOCUMENTED: usize = 91;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The ids of the suite that holds what the documents describe.
fn documented() -> Vec<String> {
    let text = fs::read_to_string(root("suites/documents.toml")).unwrap();
    let suite: toml::Table = text.parse().unwrap();
    let parts = suite["part"].as_array().unwrap();
    let ids = parts.iter().filter_map(|part| part.get("ids"));
    let mut ids: Vec<String> = ids
        .flat_map(|ids| ids.as_array().unwrap())
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn the_catalogue_has_all_that_the_documents_describe() {
    let known = Catalogue::built_in().unwrap().ids();
    let documented = documented();
    assert_eq!(documented.len(), DOCUMENTED);
    let missing: Vec<&String> = documented.iter().filter(|id| !known.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_classes_are_listed_for_people_and_as_json() {
    let rows: serde_json::Value =
        serde_json::from_str(&crywolf_ok(&["list", "--classes", "--json"])).unwrap();
    let listed = rows.as_array().unwrap().iter();
    let listed = listed.map(|row| row["class"].as_str().unwrap());
    let known = labels::Class::ALL.iter().map(|class| class.name());
    assert!(listed.eq(known));
    let text = crywolf_ok(&["list", "--classes", "--family", "loop"]);
    assert!(
        text.starts_with("attack: loop\n  echo-chargen-loop  "),
        "{text}"
    );
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn every_scenario_is_whole() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut wanting = Vec::new();
    for id in catalogue.ids() {
        let file = catalogue.get(&id).unwrap().unwrap();
        let identity = file.identity();
        let request = Request {
            seed: 1,
            ..Request::default()
        };
        let scenario = file.resolve(&request, catalogue.stacks()).unwrap();
        let mut lacks = |what: &str, has: bool| {
            if !has {
                wanting.push(format!("{id}: {what}"));
            }
        };
        lacks("facts", !identity.facts.is_empty());
        lacks("naive", !identity.naive.is_empty());
        lacks("tells", !identity.tells.is_empty());
        lacks(
            "assumed",
            !identity.reconstructed || !identity.assumed.is_empty(),
        );
        lacks(
            "a page",
            root(&format!("docs/src/catalogue/{id}.md")).exists(),
        );
        for sensor in &scenario.sensors {
            let truth = format!("golden/{id}/{}.truth.json", sensor.name);
            lacks(&truth, root(&truth).exists());
        }
        let golden = fs::read_dir(root(&format!("golden/{id}"))).unwrap();
        let bytes: u64 = golden
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        lacks(
            &format!("golden files under {GOLDEN_BYTES} bytes ({bytes})"),
            bytes <= GOLDEN_BYTES,
        );
    }
    assert!(wanting.is_empty(), "lacking:\n{}", wanting.join("\n"));
}
