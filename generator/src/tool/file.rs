//! Tools as data: a file of `tools/` gives a tool its name, its source and the parameters by which it differs from others.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};

use super::kit::stage::{PROGRAMS, Program};
use crate::reading::document::lay_over;
use crate::reading::{Fields, Mistakes, Node, ScenarioErrors, Value};

static TOOLS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../tools");

/// A tool's file.
#[derive(Clone, Debug)]
pub struct ToolFile {
    /// What activities call it.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Where its values come from.
    pub source: String,
    /// The program of the kit that it is made of.
    pub program: Program,
    /// What an activity need not say.
    pub parameters: Node,
}

/// The built-in tools by name.
pub fn built_in() -> &'static BTreeMap<String, Arc<ToolFile>> {
    static ALL: OnceLock<BTreeMap<String, Arc<ToolFile>>> = OnceLock::new();
    ALL.get_or_init(|| read_all().unwrap_or_default())
}

/// Reads all files.
///
/// # Errors
/// All mistakes, which a test keeps out.
fn read_all() -> Result<BTreeMap<String, Arc<ToolFile>>, ScenarioErrors> {
    let mut texts: Vec<(String, &str)> = TOOLS
        .files()
        .filter_map(|file| {
            Some((
                format!("tools/{}", file.path().display()),
                file.contents_utf8()?,
            ))
        })
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    texts.sort();
    let mut mistakes = Mistakes::default();
    let mut documents = BTreeMap::new();
    for (name, text) in texts {
        let stem = name
            .trim_start_matches("tools/")
            .trim_end_matches(".toml")
            .to_owned();
        documents.insert(stem, Node::parse(&name, text)?);
    }
    let mut tools = BTreeMap::new();
    for (name, document) in &documents {
        if let Some(tool) = read(name, document, &documents, &mut mistakes) {
            tools.insert(name.clone(), Arc::new(tool));
        }
    }
    if mistakes.0.is_empty() {
        Ok(tools)
    } else {
        Err(ScenarioErrors(mistakes.0))
    }
}

fn read(
    stem: &str,
    document: &Node,
    others: &BTreeMap<String, Node>,
    mistakes: &mut Mistakes,
) -> Option<ToolFile> {
    let mut fields = Fields::new("the tool", document, mistakes);
    let name = fields.required_text("name");
    let title = fields.required_text("title");
    let source = fields.required_text("source");
    let like = fields.text("like");
    let program = fields.choice("program", &PROGRAMS);
    let parameters = fields.node("parameters").cloned();
    if name.as_deref().is_some_and(|name| name != stem) {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            format!("the file is called {stem}, and so must the tool be"),
        );
    }
    // One step only: what it is like is like nothing else.
    let base = like.as_ref().map(|like| others.get(like));
    if base.is_some_and(|base| base.is_none_or(|base| base.get("like").is_some())) {
        let origin = fields.origin().clone();
        fields.mistake(&origin, "like: a tool that is not like another one itself");
    }
    fields.finish();
    let base = base.flatten();
    let base_program = base.and_then(|base| base.get("program")).and_then(|node| {
        PROGRAMS
            .iter()
            .find(|(name, _)| *name == node.to_line())
            .map(|(_, program)| *program)
    });
    let mut all = base
        .and_then(|base| base.get("parameters"))
        .cloned()
        .unwrap_or(Node {
            origin: document.origin.clone(),
            value: Value::Table(Vec::new()),
        });
    if let Some(own) = &parameters {
        lay_over(&mut all, own);
    }
    Some(ToolFile {
        name: name?,
        title: title?,
        source: source?,
        program: program.or(base_program).unwrap_or(Program::Probe),
        parameters: all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_tool_is_read() {
        let tools = read_all().unwrap_or_else(|errors| panic!("{errors}"));
        assert!(tools.len() >= 20, "{:?}", tools.keys());
    }
}
