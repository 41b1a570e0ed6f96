//! A figure: what was measured, beside its limit and its peer.

use serde_json::{Value, json};
use std::cmp::Ordering;
use std::fmt::Write as _;

/// What a figure must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// So many percent of the measurements are at most this.
    AtMost { percent: usize, value: f64 },
    /// The median is at least this.
    AtLeast(f64),
}

impl Limit {
    /// The median is at most this.
    pub(crate) const fn median(value: f64) -> Self {
        Self::AtMost { percent: 50, value }
    }

    const fn value(self) -> f64 {
        match self {
            Self::AtMost { value, .. } | Self::AtLeast(value) => value,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost { percent: 50, value } => format!("{value:.1}"),
            Self::AtMost { percent, value } => format!("p{percent} {value:.1}"),
            Self::AtLeast(value) => format!("≥ {value:.1}"),
        }
    }
}

/// Measurements of one thing, with the limit that they must keep to.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: &'static str,
    /// In what.
    pub(crate) unit: &'static str,
    /// The measurements, at least one.
    pub(crate) measured: Vec<f64>,
    /// What they must keep to; a peer has no limit.
    pub(crate) limit: Option<Limit>,
}

impl Figure {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.measured.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn at(&self, share: usize) -> f64 {
        let sorted = self.sorted();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * share / 100).copied().unwrap_or(f64::NAN)
    }

    /// Whether the limit is not kept to.
    pub(crate) fn is_over(&self) -> bool {
        // Not a number keeps to no limit.
        self.limit.is_some_and(|limit| match limit {
            Limit::AtMost { percent, value } => !self.at(percent).partial_cmp(&value).is_some_and(Ordering::is_le),
            Limit::AtLeast(value) => !self.at(50).partial_cmp(&value).is_some_and(Ordering::is_ge),
        })
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "runs": self.measured.len(),
            "min": self.at(0),
            "median": self.at(50),
            "p95": self.at(95),
            "p99": self.at(99),
            "max": self.at(100),
            "limit": self.limit.map(Limit::value),
            "ok": !self.is_over(),
        })
    }
}

/// For people.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut table =
        format!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11}  \n", "", "min", "median", "p95", "p99", "max", "limit");
    for figure in figures {
        let limit = figure.limit.map_or_else(|| "peer".to_owned(), Limit::words);
        let verdict = if figure.is_over() { "OVER" } else { "" };
        let named = format!("{} ({})", figure.name, figure.unit);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{named:<44} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {limit:>11}  {verdict}",
            figure.at(0),
            figure.at(50),
            figure.at(95),
            figure.at(99),
            figure.at(100)
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(measured: &[f64], limit: Option<Limit>) -> Figure {
        Figure { name: "f", unit: "ms", measured: measured.to_vec(), limit }
    }

    #[test]
    fn the_median_decides_and_a_peer_has_no_limit() {
        assert!(!figure(&[1.0, 2.0, 900.0], Some(Limit::median(2.0))).is_over());
        assert!(figure(&[1.0, 3.0, 3.0], Some(Limit::median(2.0))).is_over());
        assert!(figure(&[f64::NAN], Some(Limit::median(2.0))).is_over());
        assert!(!figure(&[900.0], None).is_over());
        assert!(figure(&[1.0, 2.0, 900.0], Some(Limit::AtMost { percent: 100, value: 2.0 })).is_over());
        assert!(figure(&[1.0, 1.0, 900.0], Some(Limit::AtLeast(2.0))).is_over());
        assert!(!figure(&[1.0, 2.0, 900.0], Some(Limit::AtLeast(2.0))).is_over());
    }
}
