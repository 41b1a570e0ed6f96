//! What is wrong with a configuration: all of it at once, each with its key and what to write instead.

use std::fmt;

/// How many letters may differ between what was written and what was probably meant.
const NEAR: usize = 2;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key: `discord.token`.
    pub key: String,
    /// What is wrong, and what to write instead. Holds no secret.
    pub problem: String,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Adds one.
    pub fn add(&mut self, key: &str, problem: impl Into<String>) {
        self.0.push(Mistake { key: key.to_owned(), problem: problem.into() });
    }

    /// Adds one unless `holds`.
    pub fn check(&mut self, holds: bool, key: &str, problem: &str) {
        if !holds {
            self.add(key, problem);
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for Mistake { key, problem } in &self.0 {
            write!(f, "\n  {key}: {problem}")?;
        }
        f.write_str("\n`handoff config check` shows every setting and where it comes from.")
    }
}

impl std::error::Error for Mistakes {}

/// The known key that was probably meant.
pub(crate) fn meant<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|key| (distance(written, key), key)).min()?;
    (near.0 <= NEAR).then_some(near.1)
}

/// How many letters must be inserted, deleted or replaced to make one of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, of_b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(of_a != *of_b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_suggested_and_a_far_one_is_not() {
        let known = ["listen", "discord.token", "discord.token_file"];
        let meant = |written| meant(written, known.into_iter());
        assert_eq!(meant("lisen"), Some("listen"));
        assert_eq!(meant("discord.tokn"), Some("discord.token"));
        assert_eq!(meant("bot.token"), None);
    }

    #[test]
    fn a_distance_counts_insertions_deletions_and_replacements() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "axc", 1), ("kitten", "sitting", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
