//! Checks requests, and a simulator's own answers, against the official API descriptions.
//!
//! A violated description is reported, not answered: the simulators record it, and a test asserts
//! that nothing was recorded. Two dialects are read: Azure DevOps' Swagger 2.0 files, with the
//! loosening they need to agree with the service, and Discord's OpenAPI 3.1 file.

mod load;
mod operation;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use operation::Operation;

/// At most so many violations are told for one message.
const MAX_VIOLATIONS: usize = 8;

/// Why a description could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A file or folder could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not JSON.
    #[error("{path} is not JSON")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// The folder holds no description of the wanted kind.
    #[error("{path} holds no API description")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// Which service's rules apply where the descriptions and the service disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    AzureDevOps,
    Discord,
}

/// The described operations of one service. Clones share everything.
#[derive(Clone, Debug)]
pub struct SpecCheck {
    description: Arc<Description>,
}

#[derive(Debug)]
struct Description {
    dialect: Dialect,
    operations: Vec<Operation>,
}

impl SpecCheck {
    /// Reads every `azure-devops/*.json` of `folder`: Swagger 2.0, UTF-8 with or without a byte order
    /// mark.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, or none is there.
    pub fn load_azure(folder: &Path) -> Result<Self, SpecError> {
        Self::once(Dialect::AzureDevOps, folder, load::azure)
    }

    /// Reads `discord/openapi.json` of `folder`: OpenAPI 3.1.
    ///
    /// # Errors
    /// When the file cannot be read or describes nothing.
    pub fn load_discord(folder: &Path) -> Result<Self, SpecError> {
        Self::once(Dialect::Discord, folder, load::discord)
    }

    /// What was loaded before in this process is shared: tests start many simulators on the same large
    /// files, of which each compiles only the schemas that are used.
    fn once(
        dialect: Dialect,
        folder: &Path,
        load: impl FnOnce(&Path) -> Result<Description, SpecError>,
    ) -> Result<Self, SpecError> {
        static LOADED: Mutex<BTreeMap<(Dialect, PathBuf), SpecCheck>> = Mutex::new(BTreeMap::new());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (dialect, folder.to_path_buf());
        if let Some(known) = loaded.get(&key) {
            return Ok(known.clone());
        }
        let check = Self { description: Arc::new(load(folder)?) };
        loaded.insert(key, check.clone());
        Ok(check)
    }

    /// Checks one request: that the operation exists, its query, its content type and its body.
    /// `path` is the one of the request line, without the query; `query` is still encoded.
    ///
    /// # Errors
    /// What is wrong, a sentence for each. Values of the request are not repeated in them.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let candidates = self.description.find(method, path);
        if candidates.is_empty() {
            return if self.description.covers(path) {
                Err(vec![format!("{method} {path}: no such operation is described")])
            } else {
                Ok(())
            };
        }
        first_success(candidates, |operation| {
            operation.check_request(self.description.dialect, path, query, content_type, body)
        })
        .map_err(|violations| prefixed(method, path, violations))
    }

    /// Checks the answer to a described operation against what it says of this status. An answer to an
    /// operation, or with a status, that is not described passes.
    ///
    /// # Errors
    /// What is wrong, a sentence for each.
    pub fn check_response(&self, method: &str, path: &str, status: u16, body: &[u8]) -> Result<(), Vec<String>> {
        let candidates = self.description.find(method, path);
        if candidates.is_empty() {
            return Ok(());
        }
        first_success(candidates, |operation| operation.check_response(self.description.dialect, status, body))
            .map_err(|violations| prefixed(&format!("answer {status} to {method}"), path, violations))
    }
}

impl Description {
    /// The operations whose template fits best; more than one only where templates differ in their
    /// query alone.
    fn find(&self, method: &str, path: &str) -> Vec<&Operation> {
        let path = self.local_path(path);
        let fitting: Vec<(usize, &Operation)> = self
            .operations
            .iter()
            .filter(|operation| operation.method.eq_ignore_ascii_case(method))
            .filter_map(|operation| Some((operation.template.fit(path)?, operation)))
            .collect();
        let best = fitting.iter().map(|(literals, _)| *literals).max();
        fitting.into_iter().filter(|(literals, _)| Some(*literals) == best).map(|(_, operation)| operation).collect()
    }

    /// Whether the description claims to be complete for this path. Azure DevOps is described in
    /// several files by area, of which only some may be there.
    fn covers(&self, path: &str) -> bool {
        self.dialect == Dialect::Discord
            || operation::area(path).is_some_and(|area| {
                self.operations
                    .iter()
                    .any(|operation| operation.area.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(area)))
            })
    }

    fn local_path<'a>(&self, path: &'a str) -> &'a str {
        match self.dialect {
            Dialect::AzureDevOps => path,
            Dialect::Discord => path.strip_prefix("/api/v10").unwrap_or(path),
        }
    }
}

fn first_success(
    candidates: Vec<&Operation>,
    check: impl Fn(&Operation) -> Result<(), Vec<String>>,
) -> Result<(), Vec<String>> {
    let mut last = Ok(());
    for operation in candidates {
        last = check(operation);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn prefixed(method: &str, path: &str, violations: Vec<String>) -> Vec<String> {
    violations.into_iter().take(MAX_VIOLATIONS).map(|violation| format!("{method} {path}: {violation}")).collect()
}

/// The value as JSON, or the violation that it is not.
fn parse(body: &[u8]) -> Result<Value, Vec<String>> {
    serde_json::from_slice(body).map_err(|error| vec![format!("the body is not JSON: {error}")])
}

#[cfg(test)]
mod tests;
