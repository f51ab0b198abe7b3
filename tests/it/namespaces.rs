//! Network namespaces of a test's own, gone when it ends.
//!
//! Nothing in them is linked to the machine's own network, unless a test does so.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tools;

/// Waits for the end of its input, which comes when the test drops the namespaces or dies, and then takes them down
/// with all that runs in them, which the test has started.
const KEEPER: &str = r#"
cat > /dev/null
for namespace in "$@"; do
    for pid in $(ip netns pids "$namespace" 2> /dev/null); do kill -KILL "$pid" 2> /dev/null; done
    ip netns delete "$namespace" 2> /dev/null
done
"#;

/// Namespaces; gone when dropped, and also when the test process dies.
pub struct Namespaces {
    prefix: String,
    keeper: Child,
}

impl Namespaces {
    /// Makes namespaces, or says why the test skips: it needs root and these programs.
    pub fn make(names: &[String], programs: &[&str]) -> Option<Namespaces> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !can_run(programs) {
            return None;
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("crywolf-{}-{number}", std::process::id());
        let names: Vec<String> = names.iter().map(|name| full(&prefix, name)).collect();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .args(&names)
            .stdin(Stdio::piped())
            // Ctrl-C ends the tests and not their keeper.
            .process_group(0)
            .spawn()
            .expect("every system has sh");
        let namespaces = Namespaces { prefix, keeper };
        for (nth, name) in names.iter().enumerate() {
            let made = ip(&["netns", "add", name]);
            if nth == 0 && !made.status.success() {
                println!(
                    "SKIPPED: this root may not make network namespaces: {}",
                    String::from_utf8_lossy(&made.stderr).trim()
                );
                return None;
            }
            assert!(made.status.success(), "ip netns add {name}: {made:?}");
        }
        Some(namespaces)
    }

    /// What the system calls a namespace.
    pub fn name(&self, name: &str) -> String {
        full(&self.prefix, name)
    }

    /// Runs `ip` on a namespace; what it printed.
    pub fn ip(&self, name: &str, line: &str) -> String {
        let namespace = self.name(name);
        let mut args = vec!["-n", &namespace];
        args.extend(line.split_whitespace());
        let output = ip(&args);
        assert!(
            output.status.success(),
            "ip {line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command that runs in a namespace, for so many seconds at most.
    pub fn command(&self, name: &str, seconds: &str, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name(name)])
            .args(["timeout", "--kill-after=1", seconds])
            .args(words)
            .stdin(Stdio::null());
        command
    }

    /// Takes them down and all that runs in them.
    pub fn take_down(&mut self) {
        drop(self.keeper.stdin.take());
        // Errors here would only hide the failure that brought us here.
        let _ = self.keeper.wait();
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        self.take_down();
    }
}

fn full(prefix: &str, name: &str) -> String {
    format!("{prefix}-{name}")
}

/// Runs `ip`.
pub fn ip(args: &[&str]) -> Output {
    Command::new("ip").args(args).output().expect("ip is there")
}

/// Sends a signal to a child that a test has started.
pub fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let _ = Command::new("sh").args(["-c", &kill]).status();
}

/// Ends a child that a test has started. It is asked to, since `timeout` hands that on to what it runs.
pub fn terminate(child: &mut Child) {
    signal(child, "TERM");
    let _ = child.wait();
}

/// Whether tests run as root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// Whether namespaces can be made; if not, says what is missing. Who is not root need not have the programs.
fn can_run(programs: &[&str]) -> bool {
    if !is_root() {
        println!("SKIPPED: network namespaces need root");
        return false;
    }
    // All that is missing is named, not only the first.
    let missing = programs.iter().filter(|program| !tools::has(program));
    missing.count() == 0
}
