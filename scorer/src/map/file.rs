//! A map file: TOML of which every mistake is told with its line, all at once.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use labels::{Class, Family, Verdict};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Blames, Conclusion, Map, Rule};

/// A map as one file states it.
#[derive(Clone, Debug)]
pub struct MapFile {
    /// The format it is for.
    pub detector: String,
    /// Whether the shipped map lies under it.
    pub extends: bool,
    /// What it states.
    pub map: Map,
}

/// What is wrong with a map file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Everything that is wrong with a map file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapErrors {
    /// The file.
    pub file: String,
    /// At least one, in the order of lines.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for MapErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, mistake) in self.mistakes.iter().enumerate() {
            let end = if count > 0 { "\n" } else { "" };
            write!(f, "{end}{}:{}: {}", self.file, mistake.line, mistake.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for MapErrors {}

/// The keys of the head.
const HEAD: [&str; 7] = [
    "detector",
    "latency",
    "resolution",
    "fields",
    "source",
    "extends",
    "rule",
];
/// The keys of a rule: conditions, conclusions, and whom it accuses.
const CONDITIONS: [&str; 8] = [
    "sid", "sids", "gid", "name", "matches", "category", "level", "log",
];
const CONCLUSIONS: [&str; 4] = ["class", "family", "verdict", "ignore"];
const BLAMES: &str = "blames";

type Value<'t> = Spanned<DeValue<'t>>;

impl MapFile {
    /// Reads a map, whose file is called `file` in errors.
    ///
    /// # Errors
    /// Text that is no TOML, an unknown or missing key, a value of another kind, a class, family or verdict that does not
    /// exist, a rule with no conclusion or several: all of them at once.
    pub fn parse(file: &str, text: &str) -> Result<MapFile, MapErrors> {
        let mut reading = Reading {
            text,
            mistakes: Vec::new(),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            reading.mistake(at, format!("not TOML: {}", error.message().trim_end()));
        }
        let read = reading.head(table.get_ref());
        let mut mistakes = reading.mistakes;
        if mistakes.is_empty() {
            return Ok(read);
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        Err(MapErrors {
            file: file.to_owned(),
            mistakes,
        })
    }
}

/// A file on its way to a map.
struct Reading<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn mistake(&mut self, at: usize, what: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.mistakes.push(Mistake {
            line,
            what: what.into(),
        });
    }

    fn unknown_keys(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let what = format!("'{name}' is no key here; there are: {}", known.join(", "));
                self.mistake(key.span().start, what);
            }
        }
    }

    fn head(&mut self, table: &DeTable<'_>) -> MapFile {
        self.unknown_keys(table, &HEAD);
        let detector = match table.get("detector") {
            Some(value) => self.text_of(value).unwrap_or_default(),
            None => {
                self.mistake(0, "'detector' is missing: for which --from this map is");
                String::new()
            }
        };
        if let Some(value) = table.get("source") {
            self.text_of(value);
        }
        let map = Map {
            latency: table.get("latency").and_then(|value| self.seconds(value)),
            resolution: table
                .get("resolution")
                .and_then(|value| self.seconds(value)),
            fields: table
                .get("fields")
                .map_or_else(Vec::new, |value| self.fields(value)),
            rules: table
                .get("rule")
                .map_or_else(Vec::new, |value| self.rules(value)),
        };
        MapFile {
            detector,
            extends: (table.get("extends")).is_none_or(|value| self.boolean(value)),
            map,
        }
    }

    /// The names of columns: a list, or one text with spaces or commas between, as Snort's configuration has it.
    fn fields(&mut self, value: &Value<'_>) -> Vec<String> {
        let names = self.texts(value);
        let parts = names.iter().flat_map(|names| names.split([' ', ',', '\t']));
        let names: Vec<String> = parts
            .filter(|name| !name.is_empty())
            .map(Into::into)
            .collect();
        if names.is_empty() {
            self.mistake(value.span().start, "'fields' names no column");
        }
        names
    }

    fn rules(&mut self, value: &Value<'_>) -> Vec<Rule> {
        let DeValue::Array(rules) = value.get_ref() else {
            self.mistake(
                value.span().start,
                "rules are tables, each under its [[rule]]",
            );
            return Vec::new();
        };
        (rules.iter()).filter_map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, value: &Value<'_>) -> Option<Rule> {
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            self.mistake(at, "a rule is a table under [[rule]]");
            return None;
        };
        let known = [&CONDITIONS[..], &CONCLUSIONS, &[BLAMES]].concat();
        self.unknown_keys(table, &known);
        let sids = match (table.get("sid"), table.get("sids")) {
            (Some(_), Some(more)) => {
                self.mistake(more.span().start, "a rule has 'sid' or 'sids', not both");
                None
            }
            (Some(one), None) => self.number(one).map(|sid| sid..=sid),
            (None, Some(range)) => self.range(range),
            (None, None) => None,
        };
        let lower = |texts: Vec<String>| texts.iter().map(|text| text.to_lowercase()).collect();
        let blames = table
            .get(BLAMES)
            .map_or(Some(Blames::Source), |value| self.blames(value));
        Some(Rule {
            sids,
            gid: table.get("gid").and_then(|value| self.number(value)),
            name: table.get("name").and_then(|value| self.text_of(value)),
            matches: table
                .get("matches")
                .map_or_else(Vec::new, |value| lower(self.words(value))),
            category: table
                .get("category")
                .map_or_else(Vec::new, |value| lower(self.words(value))),
            level: table.get("level").and_then(|value| self.range(value)),
            log: table.get("log").and_then(|value| self.text_of(value)),
            conclusion: self.conclusion(table, at)?,
            blames: blames?,
        })
    }

    fn conclusion(&mut self, table: &DeTable<'_>, at: usize) -> Option<Conclusion> {
        let mut stated = CONCLUSIONS
            .iter()
            .filter_map(|key| Some((*key, table.get(*key)?)));
        let Some((key, value)) = stated.next() else {
            let what = format!(
                "a rule without a conclusion: give it one of {}",
                CONCLUSIONS.join(", ")
            );
            self.mistake(at, what);
            return None;
        };
        if let Some((other, value)) = stated.next() {
            let what = format!("a rule with two conclusions, '{key}' and '{other}': leave one out");
            self.mistake(value.span().start, what);
            return None;
        }
        let name = self.text_of(value)?;
        let conclusion = match key {
            "class" => Class::from_name(&name).map(Conclusion::Class),
            "family" => Family::from_name(&name).map(Conclusion::Family),
            "verdict" => Verdict::from_name(&name).map(Conclusion::Verdict),
            _ if name.trim().is_empty() => None,
            _ => Some(Conclusion::Ignored(name.as_str().into())),
        };
        if conclusion.is_none() {
            let what = match key {
                "ignore" => "say why it is ignored: the report counts its alerts under that".into(),
                _ => format!(
                    "'{name}' is no {key} of the taxonomy{}",
                    close_to(key, &name)
                ),
            };
            self.mistake(value.span().start, what);
        }
        conclusion
    }

    fn blames(&mut self, value: &Value<'_>) -> Option<Blames> {
        match self.text_of(value)?.as_str() {
            "source" => Some(Blames::Source),
            "target" => Some(Blames::Target),
            "either" => Some(Blames::Either),
            other => {
                let what = format!("'{other}' cannot be blamed: source, target or either");
                self.mistake(value.span().start, what);
                None
            }
        }
    }

    fn text_of(&mut self, value: &Value<'_>) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.mistake(value.span().start, "a text in quotes belongs here");
        None
    }

    /// One text or a list of them.
    fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(list) => list.iter().filter_map(|text| self.text_of(text)).collect(),
            _ => self.text_of(value).into_iter().collect(),
        }
    }

    /// Words to look for, of which there must be one.
    fn words(&mut self, value: &Value<'_>) -> Vec<String> {
        let words = self.texts(value);
        if words.iter().all(|word| word.trim().is_empty()) {
            self.mistake(
                value.span().start,
                "an empty text is in every message: leave the condition out",
            );
        }
        words
    }

    fn number(&mut self, value: &Value<'_>) -> Option<u64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.mistake(
                value.span().start,
                "a whole number belongs here, such as 1000017",
            );
        }
        number
    }

    /// `"A..B"`, both included; one number is a range of itself.
    fn range(&mut self, value: &Value<'_>) -> Option<RangeInclusive<u64>> {
        if let DeValue::Integer(_) = value.get_ref() {
            return self.number(value).map(|number| number..=number);
        }
        let text = self.text_of(value)?;
        let (low, high) = text.split_once("..").unwrap_or((&text, &text));
        let range = (low.trim().parse().ok()).zip(high.trim().parse().ok());
        let range = range.filter(|(low, high): &(u64, u64)| low <= high);
        if range.is_none() {
            let what =
                format!("'{text}' is no range: the lower and the upper number, such as \"1..2\"");
            self.mistake(value.span().start, what);
        }
        range.map(|(low, high)| low..=high)
    }

    fn seconds(&mut self, value: &Value<'_>) -> Option<Duration> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let time = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if time.is_none() {
            self.mistake(
                value.span().start,
                "a number of seconds belongs here, 0 or more",
            );
        }
        time
    }

    fn boolean(&mut self, value: &Value<'_>) -> bool {
        if let DeValue::Boolean(answer) = value.get_ref() {
            return *answer;
        }
        self.mistake(value.span().start, "true or false belongs here");
        true
    }
}

/// Names of the taxonomy that share a word with `name`.
fn close_to(key: &str, name: &str) -> String {
    let names: Vec<&str> = match key {
        "class" => Class::ALL.iter().map(|class| class.name()).collect(),
        "family" => Family::ALL.iter().map(|family| family.name()).collect(),
        _ => return format!(": {}", Verdict::ALL.map(Verdict::name).join(", ")),
    };
    let shares = |other: &&&str| {
        name.split('-')
            .any(|word| other.split('-').any(|part| part == word))
    };
    let close: Vec<&str> = names.iter().filter(shares).take(6).copied().collect();
    if close.is_empty() {
        return "; `crywolf list --classes` shows all".into();
    }
    format!("; close to it: {}", close.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::Named;
    use super::*;

    fn map(text: &str) -> Map {
        Map::layered(Some(MapFile::parse("own.toml", text).unwrap()), None)
    }

    fn mistakes(text: &str) -> String {
        MapFile::parse("own.toml", text).unwrap_err().to_string()
    }

    fn class(map: &Map, said: Named<'_>) -> Option<Class> {
        match map.conclusion(&said) {
            Some((Conclusion::Class(class), _)) => Some(*class),
            _ => None,
        }
    }

    #[test]
    fn the_first_rule_all_of_whose_conditions_hold_decides() {
        let map = map(
            "detector = 'snort'\n[[rule]]\ngid = 1\nsids = '10..20'\nclass = 'syn-scan'\n\
             [[rule]]\nmatches = ['syn', 'Flood']\nlevel = 2\nclass = 'syn-flood'\n\
             [[rule]]\nname = 'Exactly'\nclass = 'fin-scan'\n\
             [[rule]]\ncategory = ['Misc Attack', 'Other']\nlog = 'weird'\nclass = 'udp-scan'\n",
        );
        let said = Named {
            gid: Some(1),
            sid: Some(20),
            ..Named::default()
        };
        assert_eq!(class(&map, said), Some(Class::SynScan));
        assert_eq!(
            class(
                &map,
                Named {
                    gid: Some(3),
                    ..said
                }
            ),
            None
        );
        assert_eq!(
            class(
                &map,
                Named {
                    sid: Some(21),
                    ..said
                }
            ),
            None
        );
        let flood = Named {
            text: "A FLOOD of SYNs",
            level: Some(2),
            ..Named::default()
        };
        assert_eq!(class(&map, flood), Some(Class::SynFlood));
        assert_eq!(
            class(
                &map,
                Named {
                    level: None,
                    ..flood
                }
            ),
            None
        );
        let name = |name| Named {
            name: Some(name),
            ..Named::default()
        };
        assert_eq!(class(&map, name("Exactly")), Some(Class::FinScan));
        assert_eq!(class(&map, name("exactly")), None);
        let weird = Named {
            category: Some("misc attack"),
            log: Some("weird"),
            ..Named::default()
        };
        assert_eq!(class(&map, weird), Some(Class::UdpScan));
        assert_eq!(
            class(
                &map,
                Named {
                    log: Some("notice"),
                    ..weird
                }
            ),
            None
        );
    }

    #[test]
    fn a_users_map_lies_over_the_shipped_one() {
        let shipped =
            "detector = 'x'\nlatency = 60\nfields = 'a b'\n[[rule]]\nclass = 'syn-scan'\n";
        let own = "detector = 'x'\nlatency = 0.5\n[[rule]]\nsid = 7\nignore = 'ours'\n";
        let file = |text| Some(MapFile::parse("m.toml", text).unwrap());
        let map = Map::layered(file(own), file(shipped));
        assert_eq!(map.latency, Some(Duration::from_millis(500)));
        assert_eq!(map.fields, ["a", "b"]);
        let seven = Named {
            sid: Some(7),
            ..Named::default()
        };
        let ignored = Conclusion::Ignored("ours".into());
        assert_eq!(map.conclusion(&seven), Some((&ignored, Blames::Source)));
        assert_eq!(class(&map, Named::default()), Some(Class::SynScan));
        let alone = own.replace("[[rule]]", "extends = false\n[[rule]]");
        let map = Map::layered(file(&alone), file(shipped));
        assert_eq!(map.conclusion(&Named::default()), None);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "detector = 'x'\nlatincy = 1\nlatency = -1\n\n[[rule]]\nmatches = 'a'\n\n[[rule]]\nclass = 'syn-skan'\n\
                    \n[[rule]]\nclass = 'syn-scan'\nverdict = 'attack'\n\n[[rule]]\nsids = '9..8'\nlevel = 'x'\nignore = 'y'\n\
                    \n[[rule]]\nblames = 'nobody'\nignore = ''\n";
        let told = mistakes(text);
        for line in [
            "own.toml:2: 'latincy' is no key here",
            "own.toml:3: a number of seconds",
            "own.toml:5: a rule without a conclusion",
            "own.toml:9: 'syn-skan' is no class of the taxonomy; close to it: syn-scan",
            "own.toml:13: a rule with two conclusions",
            "own.toml:16: '9..8' is no range",
            "own.toml:17: 'x' is no range",
            "own.toml:21: 'nobody' cannot be blamed",
            "own.toml:22: say why it is ignored",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }

    #[test]
    fn text_that_is_no_toml_is_told_with_its_line() {
        assert!(mistakes("detector = 'x'\nlatency 5\n").contains("own.toml:2: not TOML"));
        assert!(mistakes("").contains("'detector' is missing"));
    }
}
