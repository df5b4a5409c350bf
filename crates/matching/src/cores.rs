//! Work on all cores whose results come in order, so that nobody can tell how many there were.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewer records than this are not worth a thread.
const FEW: usize = 1_000;

/// Does the work for each of so many numbers. `records` says how large the work is.
pub(crate) fn each<T: Send>(
    count: usize,
    records: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(64).min(count);
    if cores <= 1 || records < FEW {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let core = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return done;
            }
            done.push((at, work(at)));
        }
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(core)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<(usize, T)>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Does the work for ranges of records, of which there are more than cores: early records of
/// a table have more pairs than late ones.
pub(crate) fn ranges<T: Send>(records: u32, work: impl Fn(u32, u32) -> T + Sync) -> Vec<T> {
    let parts = if (records as usize) < FEW { 1 } else { 256 };
    let end = |part: usize| (u64::from(records) * part as u64 / parts as u64) as u32;
    each(parts, records as usize, |part| work(end(part), end(part + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_nothing_is_left_out() {
        for records in [0, 3, 999, 1_000, 12_345] {
            let all: Vec<u32> = ranges(records, |from, to| (from..to).collect::<Vec<_>>()).concat();
            assert_eq!(all, (0..records).collect::<Vec<_>>());
        }
        assert_eq!(each(5, FEW, |at| at * at), [0, 1, 4, 9, 16]);
    }
}
