//! The integration tests, one module a subject. They use the binary as its users do.
//!
//! - [`published`]: the documents' own packets come out of the simulator, as tshark reads them.
//! - [`witness`]: other programs find nothing wrong with what we write.
//! - [`coverage`]: every scenario is there, and whole.
//! - [`determinism`]: the same seed makes the same bytes, however it is asked for.
//! - [`flows`]: the one trace that is printed as flow records.
//! - [`ladder`]: the paired detector over seeds, difficulties and backgrounds.
//! - [`grade`]: detectors of all kinds, graded, compared, and captures of one's own to grade them on.
//! - [`bad_input`]: what is wrong is said in one message, with its place and its remedy, and nothing is left behind.
//! - [`alerts`]: what other detectors wrote, through the command line.
//! - [`explain`]: one finding with its frames, and captures that are compressed.
//! - [`lab`]: real tools against real services in a network of their own, as the detector sees them.
//! - [`leftovers`]: nothing is left behind and nothing mixed up, however a run ends.
//! - [`live`]: the detector on an interface, beside the detector on a capture of the same frames.
//! - [`merge`]: captures as one, and the truth of all of them.
//! - [`real`]: the detector on captures of real tools.
//! - [`replay`]: captures on interfaces in namespaces, counted at the far side.
//! - [`namespaces`]: networks of a test's own.
//! - [`transcribe`]: a listing becomes the capture that it was made of, and the documents' own listings their packets.
//! - [`tools`]: the programs that the tests run.

mod alerts;
mod bad_input;
mod coverage;
mod determinism;
mod explain;
mod flows;
mod grade;
mod lab;
mod ladder;
mod leftovers;
mod live;
mod merge;
mod namespaces;
mod published;
mod real;
mod replay;
mod tools;
mod transcribe;
mod witness;
