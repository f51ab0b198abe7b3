//! Applications as data: a file of `apps/` gives a protocol of lines its client and its server, as scripts.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};

use crate::blueprint::{Blueprint, Cast};
use crate::conversation::arrivals::Arrivals;
use crate::conversation::client::Client;
use crate::conversation::dialogue::{Dialogue, Service};
use crate::conversation::script::{Player, Script, Stage};
use crate::conversation::size::Size;
use crate::host::program::Program;
use crate::reading::document::{lay_over, put};
use crate::reading::{Fields, Mistakes, Node, ScenarioErrors};
use crate::seed::Draws;

static APPS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../apps");

/// An application's file.
#[derive(Clone, Debug)]
pub struct AppFile {
    /// What activities and services call it.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Its ports: the first is where clients go.
    ports: Vec<u16>,
    client: Option<Node>,
    server: Option<Node>,
}

/// The built-in applications by name.
pub fn built_in() -> &'static BTreeMap<String, Arc<AppFile>> {
    static ALL: OnceLock<BTreeMap<String, Arc<AppFile>>> = OnceLock::new();
    ALL.get_or_init(|| read_all().unwrap_or_default())
}

/// The names of those that have a client.
pub fn clients() -> impl Iterator<Item = &'static str> {
    built_in()
        .values()
        .filter(|app| app.client.is_some())
        .map(|app| app.name.as_str())
}

/// The names of those that have a server.
pub fn services() -> impl Iterator<Item = &'static str> {
    built_in()
        .values()
        .filter(|app| app.server.is_some())
        .map(|app| app.name.as_str())
}

/// Reads all files.
///
/// # Errors
/// All mistakes, which a test keeps out.
fn read_all() -> Result<BTreeMap<String, Arc<AppFile>>, ScenarioErrors> {
    let mut texts: Vec<(String, &str)> = APPS
        .files()
        .filter_map(|file| Some((file.path().display().to_string(), file.contents_utf8()?)))
        .filter(|(name, _)| name.ends_with(".toml"))
        .collect();
    texts.sort();
    let mut mistakes = Mistakes::default();
    let mut apps = BTreeMap::new();
    for (name, text) in texts {
        let document = Node::parse(&format!("apps/{name}"), text)?;
        let stem = name.trim_end_matches(".toml");
        if let Some(app) = read(stem, &document, &mut mistakes) {
            apps.insert(app.name.clone(), Arc::new(app));
        }
    }
    if mistakes.0.is_empty() {
        Ok(apps)
    } else {
        Err(ScenarioErrors(mistakes.0))
    }
}

fn read(stem: &str, document: &Node, mistakes: &mut Mistakes) -> Option<AppFile> {
    let mut fields = Fields::new("the application", document, mistakes);
    let name = fields.required_text("name");
    let title = fields.required_text("title");
    fields.required_text("source");
    let ports = fields.ports("port");
    let (client, server) = (
        fields.node("client").cloned(),
        fields.node("server").cloned(),
    );
    if name.as_deref().is_some_and(|name| name != stem) || ports.is_empty() {
        let origin = fields.origin().clone();
        fields.mistake(
            &origin,
            format!(
                "the file is called {stem}, and so must the application be; it needs its 'port'"
            ),
        );
    }
    fields.finish();
    Some(AppFile {
        name: name?,
        title: title?,
        ports,
        client,
        server,
    })
}

impl AppFile {
    /// Reads an activity's parameters for its client.
    pub fn client(&self, fields: &mut Fields<'_, '_>) -> Option<Arc<dyn Blueprint>> {
        let side = self.client.as_ref()?;
        let port = fields.word("port").or(self.ports.first().copied());
        let arrivals = Arrivals::read(fields);
        let parallel = Size::read_up_to(fields, "parallel", 1..=1, 1_000);
        let source_ports = fields.ports("source_port");
        let script = script(side, fields);
        Some(Arc::new(ClientPlan {
            port: port.unwrap_or(0),
            arrivals,
            parallel,
            source_ports,
            script,
        }))
    }

    /// Reads a service's parameters for its server.
    pub fn service(&self, fields: &mut Fields<'_, '_>) -> Option<Arc<dyn Blueprint>> {
        let side = self.server.as_ref()?;
        let ports = fields.ports("port");
        let script = script(side, fields);
        Some(Arc::new(ServicePlan {
            ports: if ports.is_empty() {
                self.ports.clone()
            } else {
                ports
            },
            script,
        }))
    }
}

/// A side's script, with what the scenario says in place of its keys. `script`, `part` and `on` of the scenario go before the
/// file's.
fn script(side: &Node, fields: &mut Fields<'_, '_>) -> Script {
    let mut side = side.clone();
    let usual = side.take("keys");
    let mut keys = BTreeMap::new();
    for (key, usual) in usual.as_ref().map(Node::entries).unwrap_or_default() {
        let stated = fields.node_named(key);
        let text = stated.unwrap_or(usual).to_line();
        keys.insert(key.clone(), (text, stated.map(|node| node.origin.clone())));
    }
    let mut own = Node {
        origin: side.origin.clone(),
        value: crate::reading::Value::Table(Vec::new()),
    };
    for key in ["script", "part", "on"] {
        if let Some(node) = fields.node(key) {
            put(&mut own, key, node.clone());
        }
    }
    lay_over(&mut side, &own);
    Script::side(&side, &keys, fields.mistakes())
}

#[derive(Debug)]
struct ClientPlan {
    port: u16,
    arrivals: Arrivals,
    parallel: Size,
    source_ports: Vec<u16>,
    script: Script,
}

impl Blueprint for ClientPlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let stage = Arc::new(Stage::new(&self.script, cast.draws("filler")));
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> { Box::new(Player::new(&stage)) };
        let client = Client::new(cast, self.port, self.arrivals.clone(), Box::new(begin));
        let client = client.from_ports(self.source_ports.clone());
        Box::new(client.in_parallel(self.parallel.clone()))
    }
}

#[derive(Debug)]
struct ServicePlan {
    ports: Vec<u16>,
    script: Script,
}

impl Blueprint for ServicePlan {
    fn build(&self, cast: &Cast<'_>) -> Box<dyn Program> {
        let stage = Arc::new(Stage::new(&self.script, cast.draws("filler")));
        let begin = move |_: &mut Draws| -> Box<dyn Dialogue> { Box::new(Player::new(&stage)) };
        Box::new(Service::new(cast, Box::new(begin)))
    }

    fn listens_on(&self) -> Vec<u16> {
        self.ports.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_application_is_read() {
        let apps = read_all().unwrap_or_else(|errors| panic!("{errors}"));
        assert!(apps.len() >= 10, "{:?}", apps.keys());
        // Scripts are read when somebody uses them.
        let nothing = Node::parse("none", "").unwrap();
        for app in apps.values() {
            let mut mistakes = Mistakes::default();
            let mut fields = Fields::new(app.name.clone(), &nothing, &mut mistakes);
            app.client(&mut fields);
            app.service(&mut fields);
            fields.finish();
            assert!(
                mistakes.0.is_empty(),
                "{}: {}",
                app.name,
                ScenarioErrors(mistakes.0)
            );
        }
    }
}
