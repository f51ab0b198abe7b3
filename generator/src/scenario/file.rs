//! A scenario file that has been read, and what can be asked of it.

use std::collections::BTreeMap;

use super::read::Unstated;
use super::{Identity, Scenario, background, extend, read, stack_file, vary};
use crate::host::stack::{Stack, Stacks};
use crate::reading::document::{Node, Value};
use crate::reading::error::{Origin, ScenarioErrors};
use crate::reading::fields::{Fields, Mistakes, number, text_ref};
use crate::reading::units;
use crate::seed::{Pins, SeedTree};

/// How far a seed moves a scenario's start, in microseconds, either way: half a year, which stays within its era.
const SEASON: u64 = 182 * 86_400 * 1_000_000;

/// How the path of a value begins that is set in the background, not in the scenario above it.
const OF_BACKGROUND: &str = "background.";

/// What is wanted of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The seed.
    pub seed: u64,
    /// Values set by the user, by path.
    pub set: Vec<(String, String)>,
    /// A step of its difficulty ladder.
    pub difficulty: Option<String>,
    /// A published trace to reproduce; then the seed varies nothing.
    pub published: Option<String>,
    /// A background to lay under it.
    pub background: Option<&'a ScenarioFile>,
    /// Whether conversations of the background are events.
    pub label_background: bool,
    /// Faults of all its sensors, by key.
    pub faults: Vec<(String, String)>,
    /// A path that the seed leaves as the file states it, whatever `[vary]` says.
    pub left: Option<String>,
    /// Plays a story by itself, with a seed, and tells how long it takes, so that over a background it can begin wherever a capture
    /// leaves it that time. Without it, a story gets all the time that its file gives it.
    pub rehearse: Option<fn(&Scenario, u64) -> Option<u64>>,
}

/// A scenario file that has been read.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    identity: Identity,
    /// What remains after the parts below were taken out.
    document: Node,
    vary: Option<Node>,
    /// What counts instead where the story is laid over a background: ranges, as in `vary`.
    abridged: Option<Node>,
    published: Option<Node>,
    difficulty: Option<Node>,
}

impl ScenarioFile {
    /// Reads a file, and checks it with everything it offers: each published trace, each difficulty, seed 1.
    ///
    /// # Errors
    /// All mistakes at once, each with its line.
    pub fn parse(file: &str, text: &str, stacks: &Stacks) -> Result<ScenarioFile, ScenarioErrors> {
        ScenarioFile::from_document(Node::parse(file, text)?, stacks)
    }

    /// The same of a document that has been read, and extended.
    ///
    /// # Errors
    /// All mistakes at once, each with its line.
    pub fn from_document(document: Node, stacks: &Stacks) -> Result<ScenarioFile, ScenarioErrors> {
        let scenario = ScenarioFile::unchecked(document)?;
        scenario.check(stacks, Mistakes::default())?;
        Ok(scenario)
    }

    /// A file of which somebody else has made sure that it is right: only what it says of itself is read.
    ///
    /// # Errors
    /// The mistakes of what it says of itself.
    pub fn unchecked(mut document: Node) -> Result<ScenarioFile, ScenarioErrors> {
        let vary = document.take("vary");
        let abridged = document.take("abridged");
        let published = document.take("published");
        let difficulty = document.take("difficulty");
        let mut mistakes = Mistakes::default();
        let identity = read::identity(&document, &mut mistakes);
        let Some(identity) = identity else {
            return Err(ScenarioErrors(mistakes.0));
        };
        let scenario = ScenarioFile {
            identity,
            document,
            vary,
            abridged,
            published,
            difficulty,
        };
        if mistakes.0.is_empty() {
            Ok(scenario)
        } else {
            Err(ScenarioErrors(mistakes.0))
        }
    }

    /// The year in which it plays, as its file says.
    pub fn year(&self) -> Option<i16> {
        let start = text_ref(&self.document.get("start")?.value)?;
        start.get(..4)?.parse().ok()
    }

    fn check(&self, stacks: &Stacks, mut mistakes: Mistakes) -> Result<(), ScenarioErrors> {
        let mut requests = vec![Request {
            seed: 1,
            ..Request::default()
        }];
        for trace in self.published() {
            requests.push(Request {
                seed: 1,
                published: Some(trace),
                ..Request::default()
            });
        }
        for step in self.difficulties() {
            requests.push(Request {
                seed: 1,
                difficulty: Some(step),
                ..Request::default()
            });
        }
        let mut outcomes: Vec<_> = requests
            .iter()
            .map(|request| self.resolve(request, stacks))
            .collect();
        if self.abridged.is_some() {
            outcomes.extend(requests.first().map(|one| self.choose(one, true, stacks)));
        }
        for errors in outcomes.into_iter().filter_map(Result::err) {
            mistakes.0.extend(errors.0);
        }
        mistakes.0.sort();
        mistakes.0.dedup();
        if mistakes.0.is_empty() {
            Ok(())
        } else {
            Err(ScenarioErrors(mistakes.0))
        }
    }

    /// What the file says about itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The document, without what varies it.
    pub fn document(&self) -> &Node {
        &self.document
    }

    /// What a seed may change: path and range.
    pub fn varied(&self) -> Vec<(String, String)> {
        ranges(self.vary.as_ref())
    }

    /// Where `[vary]` says of a path what a seed may make of it.
    pub fn varied_at(&self, path: &str) -> Option<&Origin> {
        Some(&self.vary.as_ref()?.get(path)?.origin)
    }

    /// What counts instead where it is laid over a background: path and range.
    pub fn abridged(&self) -> Vec<(String, String)> {
        ranges(self.abridged.as_ref())
    }

    /// The published traces it reproduces.
    pub fn published(&self) -> Vec<String> {
        self.published
            .iter()
            .flat_map(Node::entries)
            .map(|(trace, _)| trace.clone())
            .collect()
    }

    /// The sensor at which a published trace was recorded.
    pub fn published_sensor(&self, trace: &str) -> Option<String> {
        let sensor = self.published.as_ref()?.get(trace)?.get("sensor")?;
        text_ref(&sensor.value).map(str::to_owned)
    }

    /// The steps of its difficulty ladder, from blatant to stealthy.
    pub fn difficulties(&self) -> Vec<String> {
        self.difficulty
            .iter()
            .flat_map(Node::entries)
            .map(|(step, _)| step.clone())
            .collect()
    }

    /// Makes every choice but the draws, and checks the outcome.
    ///
    /// # Errors
    /// All mistakes at once: unknown keys, wrong units, impossible values, paths that lead nowhere, each with its line or
    /// with the option that states it.
    pub fn resolve(
        &self,
        request: &Request<'_>,
        stacks: &Stacks,
    ) -> Result<Scenario, ScenarioErrors> {
        self.choose(request, request.background.is_some(), stacks)
    }

    /// The same, in the long form of a story or in the one that fits a background.
    fn choose(
        &self,
        request: &Request<'_>,
        abridged: bool,
        stacks: &Stacks,
    ) -> Result<Scenario, ScenarioErrors> {
        let mut mistakes = Mistakes::default();
        let mut document = self.document.clone();
        let (changes, pins) = self.changes(request, abridged, &mut mistakes);
        let mut parameters = BTreeMap::new();
        for (path, node) in changes {
            parameters.insert(path.clone(), node.to_line());
            if let Err(mistake) = document.overlay(&path, node) {
                mistakes.0.push(mistake);
            }
        }
        if let Some(step) = &request.difficulty {
            parameters.insert("difficulty".into(), step.clone());
        }
        if let Some(background) = request.background {
            let own = request.set.iter().filter_map(|(path, value)| {
                Some(vary::stated(path.strip_prefix(OF_BACKGROUND)?, value))
            });
            let tree = self.tree(request.seed);
            let base = background.varied_document(&tree, own.collect(), &mut mistakes);
            if !background::has_home(&base) {
                mistakes.note(
                    &base.origin,
                    "a background needs a site called 'home': it becomes each site that a sensor of the scenario watches",
                );
                return Err(ScenarioErrors(mistakes.0));
            }
            let takes = self.takes(&document, request, stacks);
            background::lay_under(base, &mut document, request.label_background);
            background::give_room(&mut document, &tree, takes);
            for (path, value) in &request.set {
                if path.starts_with(OF_BACKGROUND) {
                    parameters.insert(path.clone(), value.clone());
                }
            }
            parameters.insert("background".into(), background.identity.id.clone());
        }
        for (fault, value) in &request.faults {
            let sensors = document
                .get("sensor")
                .map(Node::entries)
                .unwrap_or_default();
            let sensors: Vec<String> = sensors.iter().map(|(name, _)| name.clone()).collect();
            for sensor in sensors {
                let path = format!("sensor.{sensor}.fault.{fault}");
                let origin = Origin::Stated(format!("--fault {fault}={value}"));
                document.make_table(&format!("sensor.{sensor}.fault"), &origin);
                mistakes
                    .0
                    .extend(document.overlay(&path, Node::stated(origin, value)).err());
                parameters.insert(path, value.clone());
            }
        }
        let unstated = if request.published.is_some() {
            Unstated::Plain
        } else {
            self.draw_start(request, &mut document, &mut parameters, &mut mistakes);
            Unstated::Drawn
        };
        let scenario = read::scenario(&document, stacks, request.seed, unstated, &mut mistakes);
        match scenario {
            Some(scenario) if mistakes.0.is_empty() => Ok(Scenario {
                parameters,
                pins,
                ..scenario
            }),
            _ => Err(ScenarioErrors(mistakes.0)),
        }
    }

    /// The streams of a seed of this scenario.
    fn tree(&self, seed: u64) -> SeedTree {
        SeedTree::of(&self.identity.id, seed, Pins::new())
    }

    /// How long what happens in a document takes, in nanoseconds, where that can be told.
    fn takes(&self, document: &Node, request: &Request<'_>, stacks: &Stacks) -> Option<u64> {
        let rehearse = request.rehearse?;
        // Its mistakes are found when it is read with all that belongs to it.
        let mut unheard = Mistakes::default();
        let seed = request.seed;
        let story = read::scenario(document, stacks, seed, Unstated::Drawn, &mut unheard)?;
        unheard.0.is_empty().then(|| rehearse(&story, seed))?
    }

    /// Moves the start of a scenario to another day and hour of its time, unless somebody has set it.
    fn draw_start(
        &self,
        request: &Request<'_>,
        document: &mut Node,
        parameters: &mut BTreeMap<String, String>,
        mistakes: &mut Mistakes,
    ) {
        let stated = |path: &str| path == "start";
        if request.set.iter().any(|(path, _)| stated(path)) || parameters.contains_key("start") {
            return;
        }
        let start = document.get("start").and_then(|node| {
            let moment: jiff::Timestamp = text_ref(&node.value)?.parse().ok()?;
            Some((node.origin.clone(), moment))
        });
        let Some((origin, start)) = start else { return };
        let moved = self.tree(request.seed).draws("start").range(0..=2 * SEASON);
        let micros = start
            .as_microsecond()
            .saturating_sub(i64::try_from(SEASON).unwrap_or(0))
            .saturating_add(i64::try_from(moved).unwrap_or(0));
        let Ok(start) = jiff::Timestamp::from_microsecond(micros) else {
            return;
        };
        let start = start.to_string();
        let node = Node::stated(origin, &start);
        mistakes.0.extend(document.overlay("start", node).err());
        parameters.insert("start".into(), start);
    }

    /// The document with what the seed varies, and then the user, of a file that serves as background.
    fn varied_document(
        &self,
        tree: &SeedTree,
        set: Vec<(String, Node)>,
        mistakes: &mut Mistakes,
    ) -> Node {
        let mut document = self.document.clone();
        let varied = self
            .vary
            .as_ref()
            .map(|table| vary::draw(table, &self.document, tree, mistakes));
        for (path, node) in varied.into_iter().flatten().chain(set) {
            mistakes.0.extend(document.overlay(&path, node).err());
        }
        document
    }

    /// The overlays of a request in the order in which they apply, and its pins.
    fn changes(
        &self,
        request: &Request<'_>,
        abridged: bool,
        mistakes: &mut Mistakes,
    ) -> (Vec<(String, Node)>, Pins) {
        let mut changes = Vec::new();
        let mut pins = Pins::new();
        match &request.published {
            Some(trace) => match self
                .published
                .as_ref()
                .and_then(|published| published.get(trace))
            {
                Some(table) => (changes, pins) = read_published(trace, table, mistakes),
                None => mistakes.note(
                    &Origin::Stated(format!("trace '{trace}'")),
                    format!(
                        "'{}' has no such published trace; it has: {}",
                        self.identity.id,
                        self.published().join(", ")
                    ),
                ),
            },
            None => {
                let tree = self.tree(request.seed);
                let short = self.abridged.as_ref().filter(|_| abridged);
                for table in self.vary.iter().chain(short) {
                    changes.extend(vary::draw(table, &self.document, &tree, mistakes));
                }
                changes.retain(|(path, _)| request.left.as_ref() != Some(path));
            }
        }
        if let Some(step) = &request.difficulty {
            match self.difficulty.as_ref().and_then(|ladder| ladder.get(step)) {
                Some(table) => changes.extend(table.entries().iter().cloned()),
                None => mistakes.note(
                    &Origin::Stated(format!("--difficulty {step}")),
                    format!(
                        "'{}' has no such step; it has: {}",
                        self.identity.id,
                        self.difficulties().join(", ")
                    ),
                ),
            }
        }
        for (path, value) in request.set.iter().filter(|(path, _)| extend::is_own(path)) {
            mistakes.note(
                &Origin::Stated(format!("--set {path}={value}")),
                format!("'{path}' says which scenario this is: a file with extends = \"{}\" makes another", self.identity.id),
            );
        }
        changes.extend(
            request
                .set
                .iter()
                .filter(|(path, _)| {
                    request.background.is_none() || !path.starts_with(OF_BACKGROUND)
                })
                .map(|(path, value)| vary::stated(path, value)),
        );
        (changes, pins)
    }
}

fn ranges(table: Option<&Node>) -> Vec<(String, String)> {
    table
        .into_iter()
        .flat_map(Node::entries)
        .map(|(path, range)| (path.clone(), range.to_line()))
        .collect()
}

fn read_published(
    trace: &str,
    table: &Node,
    mistakes: &mut Mistakes,
) -> (Vec<(String, Node)>, Pins) {
    let mut fields = Fields::new(format!("published.{trace}"), table, mistakes);
    fields.required_text("sensor");
    let changes = fields
        .node("set")
        .map(|set| set.entries().to_vec())
        .unwrap_or_default();
    let mut pins = Pins::new();
    for (path, values) in fields.node("pins").map(Node::entries).unwrap_or_default() {
        match pinned_values(&values.value) {
            Some(list) => {
                pins.insert(path.clone(), list);
            }
            None => fields.mistake(
                &values.origin,
                format!("{path}: pins are whole numbers and times such as \"80ms\""),
            ),
        }
    }
    fields.finish();
    (changes, pins)
}

fn pinned_values(value: &Value) -> Option<Vec<u64>> {
    crate::reading::fields::list(value, |value| {
        number(value).or_else(|| units::duration(text_ref(value)?))
    })
}

impl ScenarioFile {
    /// Reads a stack's file.
    ///
    /// # Errors
    /// All mistakes at once, each with its line.
    pub fn parse_stack(file: &str, text: &str) -> Result<Stack, ScenarioErrors> {
        let document = Node::parse(file, text)?;
        let mut mistakes = Mistakes::default();
        let stack = stack_file::stack(&document, &mut mistakes);
        match stack {
            Some(stack) if mistakes.0.is_empty() => Ok(stack),
            _ => Err(ScenarioErrors(mistakes.0)),
        }
    }
}
