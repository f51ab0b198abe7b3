//! `crywolf replay`: a capture onto a lab network.

mod args;
mod report;
mod source;
mod truth;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use labels::Truth;
use replay::guard::{Admission, Entry, Guard, Limits};
use replay::link::Links;
use replay::rewrite::Rewriter;
use replay::sink::{Null, PacketSocket, Sink, Tap, TapOptions, XdpSocket};
use replay::{End, Monitor, Plan, ReplayError, Report, Run, Survey, namespace};
use wire::capture::CaptureReader;

use crate::input::display_name;
use crate::output::{self, Verbosity, print};
use crate::process::{drop_privileges, stop_flag};
use source::CaptureFile;
use truth::LiveTruth;

pub use args::ReplayArgs;

/// Nobody took the frames, or the interface went away.
const NOT_DELIVERED: u8 = 1;
/// As shells say of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
/// The MTU of a new tap.
const TAP_MTU: u16 = 1500;

/// Runs the command: statistics on standard output, also after a failure in the middle.
///
/// # Errors
/// Wrong use, a refusal, a capture or truth that cannot be read.
pub fn run(args: &ReplayArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    args.check()?;
    let stop = stop_flag()?;
    let capture = CaptureFile::open(&args.capture)?;
    let truth = match &args.output.truth_out {
        Some(_) => {
            let given = args.output.truth.as_deref();
            Some(truth::read(given, &args.capture, &capture)?)
        }
        None => None,
    };
    if let Some(name) = &args.target.netns {
        namespace::enter(name)?;
    }
    let guard = Guard::new(args.permissions());
    let way = Way::open(args, &guard)?;
    let plan = args.plan(way.mtu())?;
    let limits = guard.limits(way.leads_out());
    let survey = Survey::take(&capture, &plan, &guard, &limits)
        .with_context(|| display_name(&args.capture))?;
    guard.check_plan(
        &limits,
        survey.taken,
        survey.duration,
        plan.pace.frames_per_second(),
    )?;
    let target = way.description();
    if args.guard.dry_run {
        print(&report::dry_run(&survey, &target, &limits))?;
        return Ok(ExitCode::SUCCESS);
    }
    if survey.planned.frames == 0 {
        bail!("{}: no frame is left to send", display_name(&args.capture));
    }
    let (sinks, monitor) = way.into_sinks(args)?;
    let outputs = [&args.output.json, &args.output.truth_out];
    let outputs: Vec<&Path> = outputs
        .into_iter()
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    drop_privileges(outputs.iter().copied())?;
    for path in outputs {
        output::check(path)?;
    }
    announce(verbosity, &survey, &limits, &target);
    let mut live = truth
        .as_ref()
        .map(|truth| LiveTruth::new(truth, args.rewriting.unique));
    let mut observer = live
        .as_mut()
        .map(|live| move |origin, at| live.sent(origin, at));
    let run = Run {
        source: &capture,
        plan: &plan,
        guard: &guard,
        limits,
        stop: &stop,
    };
    let done = run.start(
        sinks,
        monitor,
        observer
            .as_mut()
            .map(|observer| observer as replay::Observer<'_>),
    );
    write_reports(args, &capture, &done, &target)?;
    if let (Some(path), Some(truth), Some(live)) = (&args.output.truth_out, &truth, live) {
        write_truth(path, truth, live, &plan)?;
    }
    conclude(done, &args.capture)
}

/// Where frames go in, a sink for each thread, and who watches the interface.
type Opened = (Vec<Box<dyn Sink>>, Option<Monitor>);

/// How frames get out.
enum Way {
    /// Nowhere.
    Null,
    /// A tap that a dry run would have to make.
    Planned(String),
    /// The guard has admitted it.
    Admitted {
        admission: Admission,
        links: Links,
        taps: Vec<Tap>,
    },
}

impl Way {
    fn open(args: &ReplayArgs, guard: &Guard) -> Result<Way> {
        let target = &args.target;
        let (name, entry) = match (&target.tap, &target.interface) {
            (Some(name), _) => (name, Entry::Written),
            (_, Some(name)) => (name, Entry::Sent),
            _ => return Ok(Way::Null),
        };
        let mut links = Links::open()?;
        let mut taps = Vec::new();
        if entry == Entry::Written {
            let known = links.all()?.iter().any(|link| link.name == *name);
            match (args.guard.dry_run, known) {
                (true, false) => return Ok(Way::Planned(name.clone())),
                (true, true) => {}
                (false, _) => {
                    let options = TapOptions {
                        name: name.clone(),
                        mac: target.tap_mac,
                        mtu: args.rewriting.mtu.unwrap_or(TAP_MTU),
                        queues: usize::from(target.queues),
                    };
                    taps = Tap::open(&options, &mut links)?;
                }
            }
        }
        let admission = guard.admit(name, entry, &links.all()?)?;
        Ok(Way::Admitted {
            admission,
            links,
            taps,
        })
    }

    /// The largest packet that it takes, where it is known.
    fn mtu(&self) -> Option<usize> {
        match self {
            Way::Null | Way::Planned(_) => None,
            Way::Admitted { admission, .. } => Some(admission.interface().mtu),
        }
    }

    fn leads_out(&self) -> bool {
        matches!(self, Way::Admitted { admission, .. } if admission.leads_out())
    }

    fn description(&self) -> String {
        match self {
            Way::Null => "nowhere".to_owned(),
            Way::Planned(name) => format!("{name}, a new tap"),
            Way::Admitted { admission, .. } => {
                let interface = admission.interface();
                format!("{}, {}", interface.name, interface.kind.description())
            }
        }
    }

    fn into_sinks(self, args: &ReplayArgs) -> Result<Opened> {
        let queues = u32::from(args.target.queues);
        let (admission, links, taps) = match self {
            Way::Null | Way::Planned(_) => {
                let sinks = (0..queues).map(|_| Box::new(Null) as Box<dyn Sink>);
                return Ok((sinks.collect(), None));
            }
            Way::Admitted {
                admission,
                links,
                taps,
            } => (admission, links, taps),
        };
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        for tap in taps {
            if args.target.persist {
                tap.persist()?;
            }
            sinks.push(tap.into_sink(&admission));
        }
        if admission.entry() == Entry::Sent {
            for queue in 0..queues {
                sinks.push(if args.target.xdp {
                    Box::new(XdpSocket::open(&admission, queue)?)
                } else {
                    Box::new(PacketSocket::open(&admission)?)
                });
            }
        }
        let monitor = Monitor::new(links, &admission)?;
        Ok((sinks, Some(monitor)))
    }
}

fn announce(verbosity: &Verbosity, survey: &Survey, limits: &Limits, target: &str) {
    if verbosity.quiet {
        return;
    }
    // Nothing is lost when nobody reads it.
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "sending {}", report::intent(survey, target, limits));
    if let Some(cut) = &survey.cut {
        let _ = writeln!(
            err,
            "the capture ends early, what comes before is sent: {cut}"
        );
    }
}

fn write_reports(
    args: &ReplayArgs,
    capture: &CaptureFile,
    done: &Report,
    target: &str,
) -> Result<()> {
    let first = first_time(capture);
    let json = || format!("{:#}\n", report::json(done, target, first));
    match &args.output.json {
        Some(path) if output::is_stdout(path) => return print(&json()),
        Some(path) => output::write_whole(path, |out| out.write_all(json().as_bytes()))?,
        None => {}
    }
    if args.output.truth_on_stdout() {
        return Ok(());
    }
    print(&report::text(done, target))
}

fn first_time(capture: &CaptureFile) -> Option<wire::Timestamp> {
    let stream = replay::Source::open(capture).ok()?;
    let mut reader = CaptureReader::new(stream).ok()?;
    reader.next().ok()?.map(|record| record.time)
}

fn write_truth(path: &Path, truth: &Truth, live: LiveTruth, plan: &Plan) -> Result<()> {
    let rewriter = Rewriter::new(plan.rewrite.clone())?;
    let live = live.finish(truth, &rewriter);
    if output::is_stdout(path) {
        return output::unless_closed(live.write_json(&mut std::io::stdout().lock()));
    }
    output::write_whole(path, |out| live.write_json(out))
}

fn conclude(done: Report, capture: &Path) -> Result<ExitCode> {
    match done.end {
        End::Complete | End::Bound => Ok(ExitCode::SUCCESS),
        End::Stopped => Ok(ExitCode::from(INTERRUPTED)),
        End::Failed(
            error @ (ReplayError::Gone { .. }
            | ReplayError::Unread { .. }
            | ReplayError::Refusing { .. }),
        ) => {
            eprintln!("crywolf: {error}");
            Ok(ExitCode::from(NOT_DELIVERED))
        }
        End::Failed(error) => Err(anyhow::Error::new(error).context(display_name(capture))),
    }
}
