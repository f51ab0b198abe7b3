//! The services of hosts: what listens where, and what dies when.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::app;
use crate::blueprint::Blueprint;
use crate::host::mortal::Mortal;
use crate::reading::document::{Node, Value};
use crate::reading::fields::{Fields, text_ref};
use crate::reading::units;

/// How long a service is gone that dies. Assumption: as long as a supervisor or a person takes to start it again.
const USUALLY_GONE: RangeInclusive<u64> = 2_000_000_000..=40_000_000_000;

/// The `[host.NAME.service.NAME]` tables, and the ports of `open`, which accept and say nothing.
pub(super) fn services(fields: &mut Fields<'_, '_>) -> Vec<(String, Arc<dyn Blueprint>)> {
    let mut services: Vec<(String, Arc<dyn Blueprint>)> = Vec::new();
    let open = fields.ports("open");
    if !open.is_empty() {
        services.push(("open".to_owned(), app::accept::on(open)));
    }
    let tables = fields
        .node("service")
        .map(Node::entries)
        .unwrap_or_default();
    for (name, node) in tables {
        let mut service = Fields::new(format!("service.{name}"), node, fields.mistakes());
        let app = service.node("app").and_then(|app| text_ref(&app.value));
        match app.and_then(|app| app::service(app, &mut service)) {
            Some(blueprint) => {
                let blueprint = mortal(blueprint, &mut service);
                let taken = blueprint.listens_on().into_iter().find_map(|port| {
                    let mut others = services.iter();
                    let other = others.find(|(_, other)| other.listens_on().contains(&port))?;
                    Some((port, other.0.clone()))
                });
                if let Some((port, other)) = taken {
                    let message = format!(
                        "service.{name}: port {port} is '{other}''s already; give one of them another 'port'"
                    );
                    service.mistake(&node.origin, message);
                }
                services.push((name.clone(), blueprint));
            }
            None => {
                let known = app::service_names().join(", ");
                service.mistake(
                    &node.origin,
                    format!("service.{name} needs 'app', one of: {known}"),
                );
                service.take_rest();
            }
        }
        service.finish();
    }
    services
}

/// A service that dies once, where it is told when.
fn mortal(service: Arc<dyn Blueprint>, fields: &mut Fields<'_, '_>) -> Arc<dyn Blueprint> {
    let wanted = "a time such as \"90s\", or a range such as \"20s..200s\"";
    let dies = fields.parsed("dies", wanted, delays);
    let gone = fields.parsed("gone", wanted, delays);
    match (dies, gone) {
        (Some(dies), gone) => Arc::new(Mortal {
            service,
            dies,
            gone: gone.unwrap_or(USUALLY_GONE),
        }),
        (None, gone) => {
            if gone.is_some() {
                let origin = fields.origin().clone();
                fields.mistake(
                    &origin,
                    "gone: how long it is gone needs 'dies', when it dies",
                );
            }
            service
        }
    }
}

/// One delay, or a range from which each member of a group draws its own.
pub(super) fn delays(value: &Value) -> Option<RangeInclusive<u64>> {
    let text = text_ref(value)?;
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let (low, high) = (units::duration(low.trim())?, units::duration(high.trim())?);
    (low <= high).then_some(low..=high)
}
