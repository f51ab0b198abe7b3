//! What a file says about itself: its head and its facts.

use labels::Family;

use crate::fact::{Check, Fact};
use crate::reading::document::{Node, Value};
use crate::reading::fields::{Fields, Mistakes, text_ref};
use crate::scenario::Identity;

/// Reads what a file says about itself.
pub fn identity(document: &Node, mistakes: &mut Mistakes) -> Option<Identity> {
    let mut fields = Fields::new("the scenario", document, mistakes);
    head(&mut fields)
}

pub(super) fn head(fields: &mut Fields<'_, '_>) -> Option<Identity> {
    let id = fields.required("id", "letters, digits and hyphens", |value| {
        let id = text_ref(value)?;
        let plain = id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (plain && !id.is_empty()).then(|| id.to_owned())
    });
    let title = fields.required_text("title");
    let families: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    let families = format!("one of the families {}", families.join(", "));
    let family = fields.required("family", &families, |value| {
        Family::from_name(text_ref(value)?)
    });
    let summary = fields.required_text("summary");
    let source = fields.required_text("source");
    let reconstructed = fields.flag("reconstructed");
    let assumed = fields.texts("assumed");
    let naive = fields.texts("naive");
    let tells = fields.texts("tells");
    let facts = fields
        .node("facts")
        .map(|node| facts(node, fields.mistakes()))
        .unwrap_or_default();
    Some(Identity {
        id: id?,
        title: title?,
        family: family?,
        summary: summary?,
        source: source?,
        reconstructed,
        assumed,
        naive,
        tells,
        facts,
    })
}

/// The facts: sentences, each with its check.
fn facts(node: &Node, mistakes: &mut Mistakes) -> Vec<Fact> {
    let Value::List(items) = &node.value else {
        mistakes.note(
            &node.origin,
            "facts is a list of { say = \"...\", check = \"...\" }",
        );
        return Vec::new();
    };
    let mut facts = Vec::new();
    for item in items {
        if !matches!(item.value, Value::Table(_)) {
            let message = "a fact is { say = \"...\", check = \"...\", at = \"SENSOR\" }";
            mistakes.note(&item.origin, message);
            continue;
        }
        let mut fields = Fields::new("a fact", item, mistakes);
        let say = fields.required_text("say");
        let check = fields.required_text("check");
        let at = fields.text("at");
        fields.finish();
        let (Some(say), Some(text)) = (say, check) else {
            continue;
        };
        match Check::parse(&text) {
            Ok(check) => facts.push(Fact {
                say,
                check: (text, check),
                at,
                origin: item.origin.clone(),
            }),
            Err(error) => mistakes.note(&item.origin, format!("check = {text}: {error}")),
        }
    }
    facts
}
