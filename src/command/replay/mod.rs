//! `crywolf replay`: a capture onto a lab network.

mod args;
mod report;
mod sentry;
mod truth;
mod way;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use replay::guard::{Guard, Hearing, Limits};
use replay::{
    Audience, End, Observer, Plan, ReplayError, Report, Run, Survey, namespace, promptness,
};
use rewrite::Rewriter;

use crate::capture::input::display_name;
use crate::capture::kept::CaptureFile;
use crate::output::{self, Verbosity, print};
use crate::process::{drop_privileges, exit_code_of_signal, stop_flag};
use truth::LiveTruth;
use way::Way;

pub use args::ReplayArgs;
pub use sentry::{SentryArgs, watch};

/// Nobody took the frames, the interface went away, or the network was changed so that frames could get out.
const NOT_DELIVERED: u8 = 1;
/// How often the progress bar is drawn: first after a second, so that short runs show none.
const REDRAWN: Duration = Duration::from_secs(1);
/// How often to look for a listener, and what it is given to settle.
const LOOK: Duration = Duration::from_millis(20);
const SETTLING: Duration = Duration::from_millis(200);

/// Runs the command: statistics on standard output, also after a failure in the middle.
///
/// # Errors
/// Wrong use, a refusal, a capture or truth that cannot be read.
pub fn run(args: &ReplayArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    args.check()?;
    for path in args.output.files() {
        output::check_writable(path)?;
    }
    let capture = CaptureFile::open(&args.capture)?;
    let truth = match &args.output.truth_out {
        Some(_) => {
            let given = args.output.truth.as_deref();
            Some(truth::read(given, &args.capture, &capture)?)
        }
        None => None,
    };
    let replay = Replay::prepare(args, capture)?;
    if args.guard.dry_run {
        // What would be refused for its kind alone is counted first.
        print(&report::dry_run(
            &replay.survey,
            &replay.plan,
            &replay.target(),
            &replay.limits,
        ))?;
        replay.guard.check_control(&replay.survey.control)?;
        return Ok(ExitCode::SUCCESS);
    }
    replay.guard.check_control(&replay.survey.control)?;
    let mut live = truth
        .as_ref()
        .map(|truth| LiveTruth::new(truth, args.rewriting.unique));
    let told = replay.send(args, verbosity, live.as_mut())?;
    write_statistics(args, &told)?;
    if let (Some(path), Some(truth), Some(live)) = (&args.output.truth_out, &truth, live) {
        let rewriter = Rewriter::new(told.plan.rewrite.clone())?;
        let live = live.finish(truth, &rewriter);
        if output::is_stdout(path) {
            output::unless_closed(live.write_json(&mut std::io::stdout().lock()))?;
        } else {
            output::write_whole(path, |out| live.write_json(out))?;
        }
    }
    conclude(told.report, &args.capture)
}

/// A replay that may begin.
struct Replay {
    capture: CaptureFile,
    guard: Guard,
    way: Way,
    plan: Plan,
    limits: Limits,
    survey: Survey,
}

/// What there is to tell about a replay.
struct Told {
    report: Report,
    target: String,
    plan: Plan,
    /// The first time stamp of the capture.
    capture_first: Option<wire::Timestamp>,
}

impl Replay {
    /// Opens and checks everything, and sends nothing.
    fn prepare(args: &ReplayArgs, capture: CaptureFile) -> Result<Replay> {
        let name = || display_name(&args.capture);
        if let Some(name) = &args.target.netns {
            namespace::enter(name)?;
        }
        let mut guard = Guard::new(args.permissions());
        let way = Way::open(args, &guard)?;
        if way.is_silent() {
            guard.let_control_pass();
        }
        if let Way::Admitted { hearing, .. } = &way {
            guard.mind(Hearing::clone(hearing));
        }
        let plan = args.plan(way.mtu())?;
        let limits = guard.limits(way.leads_out());
        let survey = Survey::take(&capture, &plan, &guard, &limits).with_context(name)?;
        let pps = plan.pace.frames_per_second();
        guard.check_plan(&limits, survey.wanted, survey.duration, pps)?;
        ensure!(
            survey.planned.frames > 0,
            "{}: no frame is left to send",
            name()
        );
        Ok(Replay {
            capture,
            guard,
            way,
            plan,
            limits,
            survey,
        })
    }

    fn target(&self) -> String {
        self.way.description()
    }

    /// Gives up privileges and sends.
    fn send(
        self,
        args: &ReplayArgs,
        verbosity: &Verbosity,
        live: Option<&mut LiveTruth>,
    ) -> Result<Told> {
        let stop = stop_flag()?;
        let target = self.target();
        let audience = self.way.audience(args.target.wait_for_listener)?;
        let unseen = self.way.unseen();
        let (sinks, monitor) = self.way.into_sinks(args, self.survey.answered)?;
        if args.timing.precise {
            // After the sentry, which is in no hurry. Where it is not granted, the clock is watched all the time.
            let _ = promptness::claim();
        }
        drop_privileges(args.output.files())?;
        // Once more: who has given up privileges may write less.
        for path in args.output.files() {
            output::check_writable(path)?;
        }
        if let Some(audience) = audience {
            wait_for(&audience, &stop, &target, verbosity)?;
        }
        announce(&self.survey, &self.plan, &self.limits, &target, verbosity);
        tell_unseen(&unseen, verbosity);
        let progress = AtomicU64::new(0);
        let run = Run {
            source: &self.capture,
            plan: &self.plan,
            guard: &self.guard,
            limits: self.limits,
            stop: &stop,
            progress: &progress,
        };
        let mut observer = live.map(|live| move |origin, at| live.sent(origin, at));
        let planned = self.survey.planned.frames;
        let bar = output::progress(planned, "sending", verbosity.quiet);
        let report = showing(&bar, &progress, || {
            let observer = observer.as_mut().map(|observer| observer as Observer<'_>);
            run.start(sinks, monitor, observer)
        });
        Ok(Told {
            report,
            target,
            plan: self.plan,
            capture_first: self.survey.first,
        })
    }
}

/// Waits until somebody listens, or until the user has had enough: then nothing is sent.
fn wait_for(
    audience: &Audience,
    stop: &AtomicBool,
    target: &str,
    verbosity: &Verbosity,
) -> Result<()> {
    if audience.listens()? {
        return Ok(());
    }
    if !verbosity.quiet {
        // Nothing is lost when nobody reads it.
        let _ = writeln!(std::io::stderr().lock(), "waiting for a listener: {target}");
    }
    while !stop.load(Ordering::Relaxed) && !audience.listens()? {
        std::thread::sleep(LOOK);
    }
    // Who has just opened a socket has yet to say what it wants of it.
    std::thread::sleep(SETTLING);
    Ok(())
}

fn announce(survey: &Survey, plan: &Plan, limits: &Limits, target: &str, verbosity: &Verbosity) {
    if verbosity.quiet {
        return;
    }
    // Nothing is lost when nobody reads it.
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "sending {}", report::intent(survey, target, limits));
    for caution in report::cautions(survey, plan) {
        let _ = writeln!(err, "{caution}");
    }
}

/// Says what the guard could not look at.
fn tell_unseen(unseen: &[&str], verbosity: &Verbosity) {
    if verbosity.quiet || unseen.is_empty() {
        return;
    }
    // Nothing is lost when nobody reads it.
    let _ = writeln!(
        std::io::stderr().lock(),
        "caution: without CAP_NET_ADMIN the guard does not see where these send frames: {}",
        unseen.join(", ")
    );
}

/// Does the work and shows how far it is, where somebody looks.
fn showing<T>(bar: &ProgressBar, progress: &AtomicU64, work: impl FnOnce() -> T) -> T {
    if bar.is_hidden() {
        return work();
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shower = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                std::thread::park_timeout(REDRAWN);
                bar.set_position(progress.load(Ordering::Relaxed));
            }
            bar.finish_and_clear();
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        shower.thread().unpark();
        done
    })
}

fn write_statistics(args: &ReplayArgs, told: &Told) -> Result<()> {
    let json = || {
        let json = report::json(&told.report, &told.target, told.capture_first);
        format!("{json:#}\n")
    };
    match &args.output.json {
        Some(path) if output::is_stdout(path) => return print(&json()),
        Some(path) => output::write_whole(path, |out| out.write_all(json().as_bytes()))?,
        None => {}
    }
    if args.output.truth_on_stdout() {
        return Ok(());
    }
    print(&report::text(&told.report, &told.target))
}

fn conclude(done: Report, capture: &Path) -> Result<ExitCode> {
    match done.end {
        End::Complete | End::Bound => Ok(ExitCode::SUCCESS),
        End::Stopped => Ok(ExitCode::from(exit_code_of_signal())),
        End::Failed(
            error @ (ReplayError::Gone { .. }
            | ReplayError::Changed { .. }
            | ReplayError::Unwatched
            | ReplayError::Unread { .. }
            | ReplayError::Refusing { .. }),
        ) => {
            eprintln!("crywolf: {error}");
            Ok(ExitCode::from(NOT_DELIVERED))
        }
        End::Failed(error) => Err(anyhow::Error::new(error).context(display_name(capture))),
    }
}
