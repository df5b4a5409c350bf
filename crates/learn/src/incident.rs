//! When rows were lost: as the times at which rows were made show it.

use restitch_model::Instant;

/// The moments between which rows were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Incident {
    /// The last moment that the backup holds.
    pub backup_at: Instant,
    /// The moment of loss.
    pub lost_at: Instant,
}

/// A pause in the creation of rows is the incident's from this many hours on.
const PAUSE_HOURS: i64 = 36;

impl Incident {
    /// Finds the incident in the times at which rows were made: the backup ends where the
    /// longest late pause begins, and what was written since the restore ends it. Without
    /// such a pause the backup ends at its newest row, and evidence tells the moment of loss.
    pub fn find(created: &[Instant], newest_evidence: Option<Instant>) -> Option<Self> {
        let mut times = created.to_vec();
        times.sort();
        let newest = *times.last()?;
        // Only the newest tenth can lie behind the pause: a restored system is young.
        let late = &times[times.len() - times.len() / 10 - 1..];
        let pause = late
            .windows(2)
            .map(|pair| (pair[1].duration_since(pair[0]).as_secs(), pair[0], pair[1]))
            .max_by_key(|&(seconds, ..)| seconds)
            .filter(|&(seconds, ..)| seconds >= PAUSE_HOURS * 3600);
        Some(match pause {
            Some((_, backup_at, lost_at)) => Self { backup_at, lost_at },
            None => {
                Self { backup_at: newest, lost_at: newest_evidence.unwrap_or(newest).max(newest) }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(days: &[i64], newest_evidence: i64) -> Option<(i64, i64)> {
        let day = |n: i64| Instant::from_second(n * 86_400).unwrap();
        let created: Vec<Instant> = days.iter().map(|&n| day(n)).collect();
        let found = Incident::find(&created, Some(day(newest_evidence)))?;
        Some((found.backup_at.as_second() / 86_400, found.lost_at.as_second() / 86_400))
    }

    #[test]
    fn a_late_pause_is_the_incident() {
        let mut days: Vec<i64> = (0..40).collect();
        days.extend([70, 71]);
        assert_eq!(incident(&days, 71), Some((39, 70)));
    }

    #[test]
    fn an_early_pause_is_a_holiday() {
        let days: Vec<i64> = (0..10).chain(40..80).collect();
        assert_eq!(incident(&days, 95), Some((79, 95)));
    }

    #[test]
    fn without_rows_there_is_no_incident() {
        assert_eq!(incident(&[], 9), None);
    }
}
