//! From what was chosen, by a suite or on the command line, to orders for captures. `generate` and `grade` read the same
//! words through this, and therefore alike.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use generator::{Catalogue, ScenarioFile};
use labels::Class;

use super::suite::{self, Kinds, Part, Steps};
use crate::capture::order::{self, Order};
use crate::capture::seeds;
use crate::output::Verbosity;

/// What is made.
#[derive(Args, Clone, Debug, Default)]
pub struct ChoiceArgs {
    /// Scenarios: ids of the catalogue, or files ending in .toml
    #[arg(value_name = "ID|FILE.toml")]
    pub scenarios: Vec<String>,

    /// The whole catalogue
    #[arg(long, conflicts_with = "scenarios")]
    pub all: bool,

    /// A suite: the name of one that ships (default, documents, lookalikes, all), or a file ending in .toml
    #[arg(long, value_name = "NAME|FILE.toml", conflicts_with_all = ["scenarios", "all"])]
    pub suite: Option<String>,

    /// A range of seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = seeds::parse_range)]
    pub seeds: Option<RangeInclusive<u64>>,

    /// Record only at this sensor; may be repeated
    #[arg(long, value_name = "NAME")]
    pub sensor: Vec<String>,
}

impl ChoiceArgs {
    /// The parts that are chosen, of `default` where nothing is; none where there is no such suite either. Says which suite
    /// it is.
    ///
    /// # Errors
    /// A suite that cannot be read.
    pub fn parts(&self, default: Option<&str>, verbosity: &Verbosity) -> Result<Vec<Part>> {
        if self.all || !self.scenarios.is_empty() {
            return Ok(vec![Part {
                ids: self.scenarios.clone(),
                all: self.all,
                ..Part::default()
            }]);
        }
        let Some(name) = self.suite.as_deref().or(default) else {
            return Ok(Vec::new());
        };
        let suite = suite::find(name)?;
        if !verbosity.quiet {
            let time = suite
                .time
                .map_or_else(String::new, |time| format!(" ({time})"));
            eprintln!("suite {name}: {}{time}", suite.title);
        }
        if let Some(note) = suite.note.filter(|_| verbosity.verbose) {
            eprintln!("{note}");
        }
        Ok(suite.parts)
    }
}

/// What the command line says of all parts, and what then counts instead of what they say.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Seeds.
    pub seeds: Option<RangeInclusive<u64>>,
    /// A step of the ladder.
    pub step: Option<String>,
    /// A background, or none.
    pub background: Option<Option<String>>,
    /// Sensors.
    pub sensors: Vec<String>,
}

/// Orders, and what was left out of them.
#[derive(Debug)]
pub struct Plan {
    /// The orders, each once.
    pub orders: Vec<Order>,
    /// Who was left out, and why, in a line each.
    pub left_out: Vec<String>,
}

impl Plan {
    /// Says who takes no part.
    pub fn say_left_out(&self, verbosity: &Verbosity) {
        if !verbosity.quiet {
            for line in &self.left_out {
                eprintln!("left out: {line}");
            }
        }
    }
}

/// Makes orders of what was chosen.
///
/// # Errors
/// Unknown scenarios, kinds, backgrounds, steps and sensors; two scenarios of one id; nothing chosen.
pub fn plan(catalogue: &Catalogue, parts: &[Part], overrides: &Overrides) -> Result<Plan> {
    let mut planner = Planner {
        catalogue,
        overrides,
        read: BTreeMap::new(),
        orders: Vec::new(),
        left_out: BTreeSet::new(),
    };
    for (part, number) in parts.iter().zip(1u32..) {
        let added = planner.add(part);
        if parts.len() == 1 {
            added?;
        } else {
            added.with_context(|| format!("part {number}"))?;
        }
    }
    planner.finish()
}

struct Planner<'a> {
    catalogue: &'a Catalogue,
    overrides: &'a Overrides,
    read: BTreeMap<String, Arc<ScenarioFile>>,
    orders: Vec<Order>,
    left_out: BTreeSet<String>,
}

impl Planner<'_> {
    fn add(&mut self, part: &Part) -> Result<()> {
        let files = self.chosen(part)?;
        let seeds = match &self.overrides.seeds {
            Some(seeds) => seeds.clone(),
            None => part.seeds()?,
        };
        let steps = match &self.overrides.step {
            Some(step) => Steps::Named(vec![step.clone()]),
            None => part.difficulties.clone(),
        };
        let background = match &self.overrides.background {
            Some(named) => named.clone(),
            None => part.background.clone(),
        };
        let background = match background {
            Some(name) => Some(self.file(&name)?),
            None => None,
        };
        let sensors = match self.overrides.sensors.as_slice() {
            [] => &part.sensors,
            named => named,
        };
        refuse_unknown_steps(&files, &steps)?;
        refuse_unknown_sensors(&files, sensors)?;
        for file in files {
            let id = file.identity().id.clone();
            if part.published {
                self.orders
                    .extend(file.published().into_iter().map(|trace| Order {
                        published: Some(trace),
                        ..Order::of(Arc::clone(&file), 1)
                    }));
            }
            let here: Vec<String> = own_sensors(&file)
                .into_iter()
                .filter(|own| sensors.contains(own))
                .collect();
            if !sensors.is_empty() && here.is_empty() {
                let wanted = sensors.join(", ");
                self.left_out
                    .insert(format!("{id}: it has no sensor {wanted}"));
                continue;
            }
            let steps = steps_of(&file, &steps);
            if steps.is_empty() {
                let own = file.difficulties().join(", ");
                self.left_out.insert(format!("{id}: its steps are {own}"));
            }
            for step in &steps {
                self.orders.extend(seeds.clone().map(|seed| Order {
                    step: step.clone(),
                    background: background.clone(),
                    sensors: here.clone(),
                    ..Order::of(Arc::clone(&file), seed)
                }));
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> Result<Arc<ScenarioFile>> {
        if let Some(file) = self.read.get(name) {
            return Ok(Arc::clone(file));
        }
        let file = order::find(self.catalogue, name)?;
        self.read.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    /// The scenarios that any word of a part chooses, in alphabetical order, or as named where all are named.
    fn chosen(&mut self, part: &Part) -> Result<Vec<Arc<ScenarioFile>>> {
        let kinds = part.by_kind()?;
        let mut files = Vec::new();
        for name in &part.ids {
            files.push(self.file(name)?);
        }
        let any_kind =
            !(kinds.families.is_empty() && kinds.verdicts.is_empty() && kinds.classes.is_empty());
        if part.all || any_kind {
            for id in self.catalogue.ids() {
                let file = self.file(&id)?;
                if part.all || is_of(&file, &kinds) {
                    files.push(file);
                }
            }
        }
        for name in &part.without {
            let id = self.file(name)?.identity().id.clone();
            files.retain(|file| file.identity().id != id);
        }
        if files.is_empty() {
            bail!("it chooses no scenario: name ids, families, verdicts, classes, or all = true");
        }
        Ok(files)
    }

    fn finish(self) -> Result<Plan> {
        order::refuse_same_ids(&self.orders)?;
        let mut orders = each_once(self.orders);
        if orders.is_empty() {
            let why: Vec<String> = self.left_out.into_iter().collect();
            bail!("nothing is left to make: {}", why.join("; "));
        }
        name_variants(&mut orders);
        Ok(Plan {
            orders,
            left_out: self.left_out.into_iter().collect(),
        })
    }
}

/// Whether its main event is of one of these kinds.
fn is_of(file: &ScenarioFile, kinds: &Kinds) -> bool {
    let family = file.identity().family;
    kinds.families.contains(&family)
        || kinds.verdicts.contains(&family.verdict())
        || main_classes(file)
            .iter()
            .any(|class| kinds.classes.contains(class))
}

/// The classes of its activities that are of its family.
fn main_classes(file: &ScenarioFile) -> Vec<Class> {
    let activities = file.document().get("activity");
    let entries = activities
        .map(generator::reading::Node::entries)
        .unwrap_or_default();
    let stated = entries.iter().flat_map(|(_, activity)| {
        ["class", "echo"].map(|key| {
            let text = generator::reading::fields::text(&activity.get(key)?.value)?;
            Class::from_name(&text)
        })
    });
    let family = file.identity().family;
    stated
        .flatten()
        .filter(|class| class.family() == family)
        .collect()
}

fn own_sensors(file: &ScenarioFile) -> Vec<String> {
    let sensors = file.document().get("sensor");
    let entries = sensors
        .map(generator::reading::Node::entries)
        .unwrap_or_default();
    entries.iter().map(|(name, _)| name.clone()).collect()
}

/// The steps that a scenario takes of those asked for: `None` is the scenario as its file says.
fn steps_of(file: &ScenarioFile, steps: &Steps) -> Vec<Option<String>> {
    let ladder = file.difficulties();
    match steps {
        Steps::AsWritten => vec![None],
        _ if ladder.is_empty() => vec![None],
        Steps::Every => ladder.into_iter().map(Some).collect(),
        Steps::Named(named) => ladder
            .into_iter()
            .filter(|step| named.contains(step))
            .map(Some)
            .collect(),
    }
}

fn refuse_unknown_steps(files: &[Arc<ScenarioFile>], steps: &Steps) -> Result<()> {
    let Steps::Named(named) = steps else {
        return Ok(());
    };
    let known: BTreeSet<String> = files.iter().flat_map(|file| file.difficulties()).collect();
    if let Some(step) = named.iter().find(|step| !known.contains(*step)) {
        let known: Vec<String> = match files {
            // In the order of the ladder.
            [file] => file.difficulties(),
            _ => known.into_iter().collect(),
        };
        bail!(
            "{} has the step '{step}'; there are: {}",
            nobody(files),
            list(&known)
        );
    }
    Ok(())
}

fn refuse_unknown_sensors(files: &[Arc<ScenarioFile>], sensors: &[String]) -> Result<()> {
    let known: BTreeSet<String> = files.iter().flat_map(|file| own_sensors(file)).collect();
    if let Some(unknown) = sensors.iter().find(|name| !known.contains(*name)) {
        let known: Vec<String> = known.into_iter().collect();
        if let [file] = files {
            let id = &file.identity().id;
            bail!("{id} has no sensor '{unknown}'; it has: {}", list(&known));
        }
        bail!(
            "no chosen scenario has a sensor '{unknown}'; there are: {}",
            list(&known)
        );
    }
    Ok(())
}

fn nobody(files: &[Arc<ScenarioFile>]) -> String {
    match files {
        [file] => format!("'{}' has no ladder that", file.identity().id),
        _ => "no chosen scenario".to_owned(),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

/// The orders without repeats; sensors of the same capture add up.
fn each_once(orders: Vec<Order>) -> Vec<Order> {
    type Key = (String, u64, Option<String>, Option<String>, Option<String>);
    let mut seen: BTreeMap<Key, usize> = BTreeMap::new();
    let mut once: Vec<Order> = Vec::new();
    for order in orders {
        let key = (
            order.file.identity().id.clone(),
            order.seed,
            order.published.clone(),
            order.step.clone(),
            background_id(&order),
        );
        let Some(same) = seen.get(&key).and_then(|at| once.get_mut(*at)) else {
            seen.insert(key, once.len());
            once.push(order);
            continue;
        };
        if order.sensors.is_empty() || same.sensors.is_empty() {
            same.sensors.clear();
        } else {
            same.sensors.extend(order.sensors);
            same.sensors.sort();
            same.sensors.dedup();
        }
    }
    once
}

fn background_id(order: &Order) -> Option<String> {
    order
        .background
        .as_ref()
        .map(|file| file.identity().id.clone())
}

/// Names the files of a plan apart: by step and by background, where these are several.
fn name_variants(orders: &mut [Order]) {
    let varied = |of: fn(&Order) -> Option<String>| {
        let kinds: BTreeSet<Option<String>> = (orders.iter())
            .filter(|order| order.published.is_none())
            .map(of)
            .collect();
        kinds.len() > 1
    };
    let steps = varied(|order| order.step.clone());
    let backgrounds = varied(background_id);
    for order in orders {
        if let Some(step) = order.step.as_ref().filter(|_| steps) {
            order.variant.push_str(&format!(".{step}"));
        }
        if backgrounds {
            let under = background_id(order).unwrap_or_else(|| "alone".into());
            order.variant.push_str(&format!(".{under}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(part: Part, overrides: &Overrides) -> Result<Plan> {
        plan(&Catalogue::built_in().unwrap(), &[part], overrides)
    }

    fn part(ids: &[&str]) -> Part {
        Part {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Part::default()
        }
    }

    fn step(step: &str) -> Overrides {
        Overrides {
            step: Some(step.into()),
            ..Overrides::default()
        }
    }

    #[test]
    fn a_scenario_takes_the_steps_it_has_and_runs_once_without_a_ladder() {
        let plan = planned(part(&["syn-scan", "web-session"]), &step("stealthy")).unwrap();
        let steps: Vec<_> = plan
            .orders
            .iter()
            .map(|order| order.step.as_deref())
            .collect();
        assert_eq!(steps, [Some("stealthy"), None]);
        assert_eq!(plan.orders[0].variant, ".stealthy");
    }

    #[test]
    fn a_step_that_nobody_has_is_named_with_those_that_are() {
        let error = planned(part(&["syn-scan"]), &step("impossible")).unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("impossible") && text.contains("blatant"),
            "{text}"
        );
        assert!(planned(part(&["web-session"]), &step("slow")).is_err());
    }

    #[test]
    fn a_sensor_that_some_lack_leaves_them_out_and_says_so() {
        let overrides = Overrides {
            sensors: vec!["scanner".into()],
            ..Overrides::default()
        };
        let plan = planned(part(&["syn-scan", "web-session"]), &overrides).unwrap();
        assert_eq!(plan.orders.len(), 1);
        assert!(
            plan.left_out[0].starts_with("web-session"),
            "{:?}",
            plan.left_out
        );
        assert!(planned(part(&["web-session"]), &overrides).is_err());
    }

    #[test]
    fn a_capture_chosen_twice_counts_once() {
        let twice = part(&["syn-scan", "syn-scan"]);
        assert_eq!(
            planned(twice, &Overrides::default()).unwrap().orders.len(),
            1
        );
    }

    #[test]
    fn kinds_add_up_and_names_are_taken_out_again() {
        let floods = Part {
            families: vec!["flood".into()],
            classes: vec!["syn-scan".into()],
            without: vec!["shaft-flood".into()],
            ..Part::default()
        };
        let plan = planned(floods, &Overrides::default()).unwrap();
        let ids: Vec<&str> = plan
            .orders
            .iter()
            .map(|o| o.file.identity().id.as_str())
            .collect();
        assert!(
            ids.contains(&"synk4-flood") && ids.contains(&"syn-scan"),
            "{ids:?}"
        );
        assert!(!ids.contains(&"shaft-flood"));
    }

    #[test]
    fn names_tell_backgrounds_apart_where_there_are_several() {
        let parts = [
            part(&["syn-scan"]),
            Part {
                background: Some("office".into()),
                ..part(&["syn-scan"])
            },
        ];
        let catalogue = Catalogue::built_in().unwrap();
        let plan = plan(&catalogue, &parts, &Overrides::default()).unwrap();
        let names: Vec<&str> = plan
            .orders
            .iter()
            .map(|order| order.variant.as_str())
            .collect();
        assert_eq!(names, [".alone", ".office"]);
    }

    #[test]
    fn the_default_suite_asks_what_counting_cannot_answer() {
        let catalogue = Catalogue::built_in().unwrap();
        let parts = suite::find(suite::DEFAULT).unwrap().parts;
        let plan = plan(&catalogue, &parts, &Overrides::default()).unwrap();
        let has = |id: &str| (plan.orders.iter()).any(|order| order.file.identity().id == id);
        let lookalikes = [
            "health-checks",
            "monitoring-polls",
            "happy-eyeballs",
            "mail-callbacks",
            "web-crawler",
            "inventory-sweep",
            "crashed-service-retries",
            "flash-crowd",
            "proxy-fan-out",
            "p2p-swarm",
            "ntp-fan-out",
            "dns-fan-out",
        ];
        assert!(lookalikes.iter().all(|id| has(id)));
        let step =
            |step: &str| (plan.orders.iter()).any(|order| order.step.as_deref() == Some(step));
        assert!(step("brisk") && step("slow"));
        assert!(plan.orders.iter().all(|order| order.background.is_some()));
    }

    #[test]
    fn every_suite_that_ships_can_be_planned() {
        let catalogue = Catalogue::built_in().unwrap();
        for name in suite::built_in() {
            let parts = suite::find(&name).unwrap().parts;
            plan(&catalogue, &parts, &Overrides::default()).unwrap();
        }
    }
}
