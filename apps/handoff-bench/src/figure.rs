//! A figure: what was measured, beside its limit and its peer.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// Measurements of one thing, with the limit that the median must keep to.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: &'static str,
    /// In what.
    pub(crate) unit: &'static str,
    /// The measurements, at least one.
    pub(crate) measured: Vec<f64>,
    /// What the median must not exceed.
    pub(crate) limit: Option<f64>,
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

    /// Whether the median is over the limit.
    pub(crate) fn is_over(&self) -> bool {
        // Not a number is over every limit.
        self.limit.is_some_and(|limit| !matches!(self.at(50).partial_cmp(&limit), Some(order) if order.is_le()))
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
            "limit": self.limit,
            "ok": !self.is_over(),
        })
    }
}

/// For people.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut table =
        format!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  \n", "", "min", "median", "p95", "p99", "max", "limit");
    for figure in figures {
        let limit = figure.limit.map_or_else(|| "peer".to_owned(), |limit| format!("{limit:.1}"));
        let verdict = if figure.is_over() { "OVER" } else { "" };
        let named = format!("{} ({})", figure.name, figure.unit);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{named:<44} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {limit:>9}  {verdict}",
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

    fn figure(measured: &[f64], limit: Option<f64>) -> Figure {
        Figure { name: "f", unit: "ms", measured: measured.to_vec(), limit }
    }

    #[test]
    fn the_median_decides_and_a_peer_has_no_limit() {
        assert!(!figure(&[1.0, 2.0, 900.0], Some(2.0)).is_over());
        assert!(figure(&[1.0, 3.0, 3.0], Some(2.0)).is_over());
        assert!(figure(&[f64::NAN], Some(2.0)).is_over());
        assert!(!figure(&[900.0], None).is_over());
    }
}
