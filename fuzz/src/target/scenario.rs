//! Scenario files, simulated as far as a small capture goes, and stack files.

use std::io::{self, Write};
use std::sync::OnceLock;

use generator::{Catalogue, Request, ScenarioFile, simulate};

/// Bytes of a capture after which a simulation is ended.
const MOST: usize = 1 << 20;

fn catalogue() -> Option<&'static Catalogue> {
    static CATALOGUE: OnceLock<Option<Catalogue>> = OnceLock::new();
    CATALOGUE
        .get_or_init(|| Catalogue::built_in().ok())
        .as_ref()
}

/// Reads a scenario and simulates it.
pub fn scenario(bytes: &[u8]) {
    let (Some(catalogue), Ok(text)) = (catalogue(), std::str::from_utf8(bytes)) else {
        return;
    };
    let Ok(file) = catalogue.read("input.toml", text) else {
        return;
    };
    let request = Request {
        seed: 1,
        ..Request::default()
    };
    let Ok(scenario) = file.resolve(&request, catalogue.stacks()) else {
        return;
    };
    // What ends it early is an error of the file, or of the output.
    let _ = simulate(&scenario, 1, false, |_| Some(Small(0)));
}

/// Reads a stack.
pub fn stack(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = ScenarioFile::parse_stack("input.toml", text);
    }
}

/// Takes so much and no more.
struct Small(usize);

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > MOST {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
