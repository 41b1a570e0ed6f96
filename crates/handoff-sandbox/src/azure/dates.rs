//! Dates as Azure DevOps writes them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// The date of what has not happened yet, such as the end of the present revision.
pub(crate) const NEVER: &str = "9999-01-01T00:00:00Z";

/// A date of the work item API: milliseconds, without trailing zeros
/// (`2026-03-01T08:00:00.25Z`).
pub(crate) fn short(at_us: i64) -> String {
    let text = instant(at_us)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]"))
        .unwrap_or_default();
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A date of a service hook event: seven fractional digits (`2026-03-01T08:00:00.2500000Z`).
pub(crate) fn long(at_us: i64) -> String {
    instant(at_us)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z"))
        .unwrap_or_default()
}

/// A `Date` header (RFC 9110).
pub(crate) fn http(at_us: i64) -> String {
    instant(at_us)
        .format(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
        .unwrap_or_default()
}

/// A date that a caller wrote, in microseconds since the Unix epoch.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1_000).ok()
}

fn instant(at_us: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_us) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARCH: i64 = 1_772_352_000_250_000;

    #[test]
    fn dates_have_the_forms_of_azure_devops() {
        assert_eq!(short(MARCH), "2026-03-01T08:00:00.25Z");
        assert_eq!(short(MARCH - 250_000), "2026-03-01T08:00:00Z");
        assert_eq!(short(MARCH + 9_750_000), "2026-03-01T08:00:10Z");
        assert_eq!(long(MARCH), "2026-03-01T08:00:00.2500000Z");
        assert_eq!(http(MARCH), "Sun, 01 Mar 2026 08:00:00 GMT");
        assert_eq!(parse("2026-03-01T08:00:00.25Z"), Some(MARCH));
    }
}
