//! `extends = "ID"`: a scenario that is another one, but for what it says itself.
//!
//! Tables are laid over the other's tables, key by key; everything else replaces what the other says. `without` names paths that
//! are not taken over. Who it is (`id`, `title`, `summary`) and what it reproduces (`published`) is its own.

use crate::reading::document::lay_over;
use crate::reading::fields::{list, text};
use crate::reading::{Mistake, Node, ScenarioErrors};

/// Keys that are never taken over.
const OWN: [&str; 7] = [
    "id",
    "title",
    "summary",
    "published",
    "assumed",
    "naive",
    "tells",
];
/// Whether a key says which scenario a file is, so that nobody else can say it.
pub fn is_own(key: &str) -> bool {
    OWN.contains(&key)
}

/// Scenarios that extend each other.
const MOST_STEPS: usize = 5;

/// The document of a file with what it extends, which `find` gives as a document.
///
/// # Errors
/// A scenario that is not there, or that extends itself; a path of `without` that leads nowhere.
pub fn extended(
    document: Node,
    find: &dyn Fn(&str) -> Option<Result<Node, ScenarioErrors>>,
) -> Result<Node, ScenarioErrors> {
    step(document, find, 0)
}

fn step(
    mut document: Node,
    find: &dyn Fn(&str) -> Option<Result<Node, ScenarioErrors>>,
    steps: usize,
) -> Result<Node, ScenarioErrors> {
    let without = document.take("without");
    let Some(extends) = document.take("extends") else {
        return match without {
            Some(without) => Err(one(
                &without,
                "'without' is for a scenario that 'extends' another",
            )),
            None => Ok(document),
        };
    };
    let id = extends.to_line();
    if steps == MOST_STEPS {
        return Err(one(
            &extends,
            "scenarios that extend each other in a circle, or too many of them",
        ));
    }
    let Some(base) = find(&id) else {
        return Err(one(
            &extends,
            &format!("no built-in scenario is called '{id}'; `crywolf list` shows them"),
        ));
    };
    let mut base = step(base?, find, steps + 1)?;
    for key in OWN {
        base.take(key);
    }
    if let Some(without) = without {
        let paths = list(&without.value, text).unwrap_or_default();
        for path in &paths {
            if !base.remove(path) {
                return Err(one(&without, &format!("without: '{id}' has no '{path}'")));
            }
        }
    }
    lay_over(&mut base, &document);
    base.origin = document.origin;
    Ok(base)
}

fn one(node: &Node, message: &str) -> ScenarioErrors {
    ScenarioErrors(vec![Mistake {
        origin: node.origin.clone(),
        message: message.to_owned(),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "id = 'base'\ntitle = 'b'\nduration = '60s'\n[activity.scan]\ngap = '1s'\nports = [1, 2]\n[vary]\n\"activity.scan.gap\" = \
                        '1s..2s'\n[published.t]\nsensor = 'x'\n";

    fn extend(text: &str) -> Result<Node, String> {
        let find = |id: &str| match id {
            "base" => Some(Node::parse("base.toml", BASE)),
            "loop" => Some(Node::parse("loop.toml", "extends = 'loop'")),
            _ => None,
        };
        extended(Node::parse("s.toml", text).unwrap(), &find).map_err(|errors| errors.to_string())
    }

    #[test]
    fn tables_are_laid_over_and_the_rest_is_replaced() {
        let node = extend("extends = 'base'\nid = 'new'\nactivity.scan.ports = 9\n").unwrap();
        let line = |path: &str| node.at(path).map(Node::to_line);
        assert_eq!(line("activity.scan.ports").as_deref(), Some("9"));
        assert_eq!(line("activity.scan.gap").as_deref(), Some("1s"));
        assert_eq!(
            (line("id").as_deref(), line("title"), line("published")),
            (Some("new"), None, None)
        );
    }

    #[test]
    fn what_is_not_wanted_is_left_out() {
        let node = extend("extends = 'base'\nwithout = ['vary', 'activity.scan.gap']\n").unwrap();
        assert!(node.get("vary").is_none() && node.at("activity.scan.gap").is_none());
    }

    #[test]
    fn what_leads_nowhere_is_a_mistake() {
        for (text, wanted) in [
            ("extends = 'other'", "s.toml:1"),
            ("extends = 'loop'", "circle"),
            ("extends = 'base'\nwithout = 'vari'", "no 'vari'"),
            ("without = 'vary'", "extends"),
        ] {
            let error = extend(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
