//! The grade as JUnit XML: a suite a capture, a case an event, its class as the class name; false alarms as one more
//! case, "background".

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::phrase;
use crate::grade::{CaptureGrade, EventGrade, Grade, Outcome};

/// The grade as JUnit XML.
pub fn junit(grade: &Grade) -> String {
    let mut report = Report::new(format!("crywolf grade of {}", grade.detector));
    for capture in &grade.captures {
        report.add_test_suite(suite(capture));
    }
    report
        .to_string()
        .expect("a report in memory can be written")
}

fn suite(capture: &CaptureGrade) -> TestSuite {
    let (scenario, seed, sensor) = (&capture.scenario, capture.seed, &capture.sensor);
    let name = format!("{scenario}.{sensor}.seed{seed}");
    let mut suite = TestSuite::new(name.clone());
    suite.add_property(("capture", capture.file.as_str()));
    for (key, value) in &capture.parameters {
        suite.add_property((key.as_str(), value.as_str()));
    }
    for event in &capture.events {
        let id = event.id.0;
        let mut case = TestCase::new(format!("{name} event {id}"), status(event));
        case.set_classname(event.class.name());
        suite.add_test_case(case);
    }
    suite.add_test_case(background(&name, capture));
    suite
}

fn status(event: &EventGrade) -> TestCaseStatus {
    let (kind, message) = match event.outcome {
        Outcome::Missed => ("missed", "expected an alert, drew none"),
        Outcome::WolfCry => ("wolf-cry", "expected silence, drew an alert"),
        _ => return TestCaseStatus::success(),
    };
    let mut lines = vec![phrase::event(event)];
    lines.extend(phrase::why(event));
    failure(kind, &format!("{}: {message}", event.class), &lines)
}

fn background(name: &str, capture: &CaptureGrade) -> TestCase {
    let alarms = &capture.false_alarms;
    let status = if alarms.is_empty() {
        TestCaseStatus::success()
    } else {
        let lines: Vec<String> = alarms.iter().map(phrase::incident).collect();
        let message = format!("false-alarm incidents: {}", alarms.len());
        failure("false-alarm", &message, &lines)
    };
    let mut case = TestCase::new(format!("{name} background"), status);
    case.set_classname("background");
    case
}

fn failure(kind: &str, message: &str, lines: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind);
    status.set_message(message);
    status.set_description(lines.join("\n"));
    status
}
