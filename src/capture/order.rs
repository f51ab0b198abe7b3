//! Orders for captures: which scenario, with which seed, under which conditions.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use generator::{Catalogue, Request, Scenario, ScenarioFile};

use crate::capture::budget::Budget;

/// The ending of a background's name that is the same of an earlier time.
const PERIOD: &str = "2000";
/// Scenarios that play before this year have such a background laid under them, where there is one.
const UNTIL: i16 = 2005;

/// Names that are so alike (Jaro and Winkler) differ by a slip of the finger or two.
const ALIKE: f64 = 0.85;
/// How many ids are proposed for one that is none.
const SHOWN: usize = 5;

/// One scenario with one seed, or one of its published traces, under the conditions that are its own.
#[derive(Clone, Debug)]
pub struct Order {
    /// The scenario.
    pub file: Arc<ScenarioFile>,
    /// The seed.
    pub seed: u64,
    /// A published trace to reproduce.
    pub published: Option<String>,
    /// A step of the difficulty ladder.
    pub step: Option<String>,
    /// A background to lay under.
    pub background: Option<Arc<ScenarioFile>>,
    /// The sensors wanted; all when empty.
    pub sensors: Vec<String>,
    /// What tells its files from those of other orders of the same scenario and seed, with a dot before each part.
    pub variant: String,
}

impl Order {
    /// The scenario as its file says, at all sensors.
    pub fn of(file: Arc<ScenarioFile>, seed: u64) -> Order {
        Order {
            file,
            seed,
            published: None,
            step: None,
            background: None,
            sensors: Vec::new(),
            variant: String::new(),
        }
    }
}

/// What all orders of a run share.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Values to set, by path.
    pub set: Vec<(String, String)>,
    /// Whether conversations of the background are events.
    pub label_background: bool,
    /// Faults of the sensors, by kind.
    pub faults: Vec<(String, String)>,
    /// Nanoseconds instead of microseconds.
    pub nanos: bool,
    /// Whether a processor would idle, so that a capture may be written by a thread of its own.
    pub spare_processor: bool,
    /// How much may be written in all; [`Terms::budget`] says otherwise what the disk holds.
    pub budget: Option<Arc<Budget>>,
    /// Whether to say on standard error what a large capture will take.
    pub foresees: bool,
}

/// Refuses files that have one id: their captures would overwrite each other.
///
/// # Errors
/// Names the id.
pub fn refuse_same_ids(orders: &[Order]) -> Result<()> {
    let mut seen: BTreeMap<&str, &Arc<ScenarioFile>> = BTreeMap::new();
    for order in orders {
        let id = order.file.identity().id.as_str();
        let other = seen.entry(id).or_insert(&order.file);
        if !Arc::ptr_eq(other, &order.file) {
            bail!(
                "two of the scenarios are called '{id}': their captures would overwrite each other; give one another id"
            );
        }
    }
    Ok(())
}

/// Finds a scenario by its id, or reads the file of that path.
///
/// # Errors
/// An unknown id, with those that come closest; a file that cannot be read; the mistakes of a scenario.
pub fn find(catalogue: &Catalogue, name: &str) -> Result<Arc<ScenarioFile>> {
    if let Some(file) = catalogue.get(name) {
        return Ok(Arc::new(file?));
    }
    let path = Path::new(name);
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read the scenario {name}"))?;
        return Ok(Arc::new(catalogue.read(name, &text)?));
    }
    let hint = match close_to(name, &catalogue.ids()) {
        close if close.is_empty() => String::new(),
        close => format!(" Close to it: {}.", close.join(", ")),
    };
    bail!(
        "no scenario is called '{name}'.{hint} 'crywolf list' shows all; a file's name ends in .toml"
    )
}

/// Ids that somebody may have meant who wrote `name`, the likeliest first: they share a word with it, or most letters.
fn close_to(name: &str, ids: &[String]) -> Vec<String> {
    let shares = |id: &str| {
        id.split('-')
            .any(|word| name.split('-').any(|own| own == word))
    };
    let mut close: Vec<(f64, &String)> = (ids.iter())
        .map(|id| (strsim::jaro_winkler(name, id), id))
        .filter(|(likeness, id)| *likeness >= ALIKE || shares(id))
        .collect();
    close.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    close
        .into_iter()
        .take(SHOWN)
        .map(|(_, id)| id.clone())
        .collect()
}

/// The scenario of an order, with every choice but the draws made.
///
/// # Errors
/// The mistakes of the scenario as ordered.
pub fn resolve(catalogue: &Catalogue, order: &Order, terms: &Terms) -> Result<Scenario> {
    let background = background_of(catalogue, order, terms)?;
    let request = Request {
        seed: order.seed,
        set: terms.set.clone(),
        difficulty: order.step.clone(),
        published: order.published.clone(),
        background: background.as_deref(),
        label_background: terms.label_background,
        faults: terms.faults.clone(),
        left: None,
        rehearse: Some(generator::sim::rehearse),
    };
    Ok(order.file.resolve(&request, catalogue.stacks())?)
}

/// The background that is laid under an order: of the time in which it plays, and none under a background itself.
fn background_of(
    catalogue: &Catalogue,
    order: &Order,
    terms: &Terms,
) -> Result<Option<Arc<ScenarioFile>>> {
    let Some(background) = &order.background else {
        return Ok(None);
    };
    let id = &background.identity().id;
    let older = format!("{id}-{PERIOD}");
    let own = &order.file.identity().id;
    if own == id || *own == older {
        return Ok(None);
    }
    let stated = terms.set.iter().rfind(|(path, _)| path == "start");
    let stated = stated.and_then(|(_, start)| start.get(..4)?.parse().ok());
    let plays_then = stated
        .or_else(|| order.file.year())
        .is_some_and(|year: i16| year < UNTIL);
    match catalogue.get(&older).filter(|_| plays_then) {
        Some(file) => Ok(Some(Arc::new(file?))),
        None => Ok(Some(Arc::clone(background))),
    }
}

/// The sensors that record: the published one, those asked for, or all.
///
/// # Errors
/// A sensor that the scenario has not.
pub fn wanted_sensors(order: &Order, scenario: &Scenario) -> Result<Vec<String>> {
    let all: Vec<String> = scenario
        .sensors
        .iter()
        .map(|sensor| sensor.name.clone())
        .collect();
    if let Some(trace) = &order.published {
        return Ok(order.file.published_sensor(trace).into_iter().collect());
    }
    if let Some(unknown) = order.sensors.iter().find(|name| !all.contains(name)) {
        let id = &order.file.identity().id;
        bail!("{id} has no sensor '{unknown}'; it has: {}", all.join(", "));
    }
    Ok(if order.sensors.is_empty() {
        all
    } else {
        order.sensors.clone()
    })
}

/// The name of a capture's files, without ending.
pub fn stem(order: &Order, sensor: &str) -> String {
    match &order.published {
        Some(trace) => format!("{trace}.published"),
        None => {
            let (id, variant) = (&order.file.identity().id, &order.variant);
            format!("{id}.{sensor}{variant}.seed{}", order.seed)
        }
    }
}

/// An order, for messages.
pub fn describe(order: &Order) -> String {
    let id = &order.file.identity().id;
    match (&order.published, &order.step) {
        (Some(trace), _) => format!("{id}, published trace {trace}"),
        (None, Some(step)) => format!("{id}, {step}, seed {}", order.seed),
        (None, None) => format!("{id}, seed {}", order.seed),
    }
}
