//! Work side by side, whose results do not tell how many did it.

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use rayon::prelude::*;

/// The number of jobs, one a processor unless said otherwise.
pub fn number(asked: Option<usize>) -> usize {
    asked
        .filter(|jobs| *jobs > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Does `work` on all items with `jobs` threads, no more than there are items; the results are in the order of the items.
///
/// # Errors
/// The first failure, by item.
pub fn side_by_side<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    progress: &ProgressBar,
    work: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.min(items.len()).max(1))
        .build()
        .context("cannot start the jobs")?;
    let results: Vec<Result<T>> = pool.install(|| {
        items
            .par_iter()
            // One at a time: they differ in length by a hundred times.
            .with_max_len(1)
            .map(|item| {
                let result = work(item);
                progress.inc(1);
                result
            })
            .collect()
    });
    progress.finish_and_clear();
    results.into_iter().collect()
}
