//! The grade as JUnit XML: a suite a capture, a case an event, its class as the class name; false alarms as one more
//! case, "background".

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::context::stem;
use super::{Report, phrase};
use crate::grade::{CaptureGrade, EventGrade, Grade, Outcome};
use crate::running::Failure;

pub(super) const REPORT: Report = Report {
    option: "junit",
    what: "Write JUnit XML, a test case an event",
    write: |grade, _, out| out.write_all(junit(grade).as_bytes()),
};

/// The grade as JUnit XML.
pub fn junit(grade: &Grade) -> String {
    let mut report = Document::new(format!("crywolf grade of {}", grade.detector));
    for capture in &grade.captures {
        let mut suite = suite(capture);
        if let Some(said) = grade.running.stderr.get(&capture.file) {
            suite.set_system_err(said.as_str());
        }
        report.add_test_suite(suite);
    }
    for failure in &grade.running.failures {
        report.add_test_suite(failed(failure));
    }
    report
        .to_string()
        .expect("a report in memory can be written")
}

fn suite(capture: &CaptureGrade) -> TestSuite {
    let name = stem(&capture.file).to_owned();
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

/// A suite of one case, which is an error: the detector failed, and nothing was asked.
fn failed(failure: &Failure) -> TestSuite {
    let name = stem(&failure.file).to_owned();
    let mut suite = TestSuite::new(name.clone());
    suite.add_property(("capture", failure.file.as_str()));
    for (key, value) in &failure.parameters {
        suite.add_property((key.as_str(), value.as_str()));
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(failure.kind.name());
    status.set_message(format!("the detector failed: {}", failure.message));
    status.set_description(failure.output.as_str());
    let mut case = TestCase::new(format!("{name} detector"), status);
    case.set_classname("detector");
    suite.add_test_case(case);
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
