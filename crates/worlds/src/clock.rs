use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since 1970: what the world counts time in.
pub(crate) type Seconds = i64;

/// 2026-01-25T03:00:00Z: the last moment that the backup holds.
pub(crate) const BACKUP_AT: Seconds = 1_769_310_000;
/// 2026-04-25T14:03:00Z: the moment of loss.
pub(crate) const LOST_AT: Seconds = 1_777_125_780;
/// 2026-04-26T07:30:00Z: the backup is up, and staff write again.
pub(crate) const RESTORED_AT: Seconds = 1_777_188_600;
/// 2026-04-29T18:00:00Z: the state and the sources are taken for the recovery.
pub(crate) const TAKEN_AT: Seconds = 1_777_485_600;

pub(crate) const MINUTE: Seconds = 60;
pub(crate) const HOUR: Seconds = 60 * MINUTE;
pub(crate) const DAY: Seconds = 24 * HOUR;
/// The first booking that the database still holds lies so long before the backup.
pub(crate) const BEGAN: Seconds = BACKUP_AT - 200 * DAY;

/// A moment as the database writes it: `2026-01-25T03:00:00Z`.
pub(crate) fn iso(at: Seconds) -> String {
    utc(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A moment on a clock in Greenwich.
pub(crate) fn utc(at: Seconds) -> DateTime {
    local(at, &TimeZone::UTC)
}

/// A moment on the wall clock of a zone.
pub(crate) fn local(at: Seconds, zone: &TimeZone) -> DateTime {
    zone.to_datetime(jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

/// The moment when a zone's wall clock shows this.
pub(crate) fn moment(civil: DateTime, zone: &TimeZone) -> Seconds {
    civil.to_zoned(zone.clone()).map_or(0, |zoned| zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_the_incident_are_what_they_are_called() {
        assert_eq!(iso(BACKUP_AT), "2026-01-25T03:00:00Z");
        assert_eq!(iso(LOST_AT), "2026-04-25T14:03:00Z");
        assert_eq!(iso(RESTORED_AT), "2026-04-26T07:30:00Z");
        assert_eq!(iso(TAKEN_AT), "2026-04-29T18:00:00Z");
    }
}
