//! The architecture as tests: which crate may use which, and what must be absent.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const DOMAIN: &str = "handoff-domain";
/// The crates that talk to the outside. Only apps/ and tests/ may use them.
const ADAPTERS: [&str; 5] = ["handoff-cache", "handoff-database", "handoff-discord", "handoff-vsts", "handoff-sandbox"];
/// The crates that call the domain, and nothing else of ours.
const DRIVERS: [&str; 2] = ["handoff-http", "handoff-worker"];
/// What must never be below the domain: runtimes, clients, stores and frameworks.
const FORBIDDEN_BELOW_DOMAIN: [&str; 11] = [
    "tokio",
    "sea-orm",
    "sqlx",
    "axum",
    "hyper",
    "reqwest",
    "twilight-http",
    "twilight-model",
    "moka",
    "redis",
    "anyhow",
];

/// The workspace's graph as it is here: what only other platforms use may never have been downloaded.
#[expect(clippy::expect_used, reason = "a test without the workspace's graph has nothing to test")]
fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline", "--filter-platform", "host-tuple"].map(str::to_owned))
        .exec()
        .expect("cargo metadata")
}

#[expect(clippy::expect_used, reason = "this package lies inside the workspace")]
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn ours(metadata: &Metadata) -> BTreeMap<String, &Package> {
    metadata.workspace_packages().into_iter().map(|package| (package.name.to_string(), package)).collect()
}

/// What a package uses in what it ships, and, with `dev`, in its own tests as well.
fn uses(package: &Package, dev: bool) -> BTreeSet<String> {
    package
        .dependencies
        .iter()
        .filter(|d| dev || d.kind != DependencyKind::Development)
        .map(|d| d.name.clone())
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn arrows_point_inward() {
    let metadata = metadata();
    let packages = ours(&metadata);
    for (name, package) in &packages {
        let used: BTreeSet<String> = uses(package, false).into_iter().filter(|d| packages.contains_key(d)).collect();
        let allowed: BTreeSet<String> = match name.as_str() {
            DOMAIN => BTreeSet::new(),
            "handoff-sandbox" => BTreeSet::new(),
            n if ADAPTERS.contains(&n) || DRIVERS.contains(&n) => [DOMAIN.to_owned()].into(),
            _ => continue,
        };
        let forbidden: Vec<&String> = used.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{name} must not use {forbidden:?}");
    }
}

#[test]
fn there_are_no_cycles_between_our_crates() {
    let metadata = metadata();
    let packages = ours(&metadata);
    let mut done: BTreeSet<String> = BTreeSet::new();
    while done.len() < packages.len() {
        let ready = |name: &&String| {
            let package = packages[*name];
            !done.contains(*name) && uses(package, false).iter().all(|d| !packages.contains_key(d) || done.contains(d))
        };
        let Some(next) = packages.keys().find(ready) else {
            let left: Vec<&String> = packages.keys().filter(|name| !done.contains(*name)).collect();
            panic!("a cycle among {left:?}");
        };
        done.insert(next.clone());
    }
}

#[test]
fn nothing_of_the_outside_world_is_below_the_domain() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let domain = ours(&metadata)[DOMAIN].id.clone();
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut below = BTreeSet::new();
    let mut open = vec![&domain];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && below.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    let names: BTreeSet<&str> = below.iter().map(|id| metadata[id].name.as_str()).collect();
    assert!(names.contains("serde"), "the walk found nothing: {names:?}");
    let found: Vec<&&str> = FORBIDDEN_BELOW_DOMAIN.iter().filter(|name| names.contains(**name)).collect();
    assert!(found.is_empty(), "below the domain: {found:?}");
}

#[test]
fn anyhow_is_used_only_by_apps_and_tests() {
    let metadata = metadata();
    for (name, package) in ours(&metadata) {
        let inside = |folder: &str| package.manifest_path.starts_with(root().join(folder));
        if !inside("apps") && !inside("tests") {
            assert!(!uses(package, true).contains("anyhow"), "{name} uses anyhow");
        }
    }
}

#[test]
fn every_crate_inherits_the_lints_and_the_workspaces_versions() {
    for package in ours(&metadata()).values() {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not inherit the lints", package.name);
        assert!(manifest.contains("version.workspace = true"), "{} has a version of its own", package.name);
        for dependency in &package.dependencies {
            let line = format!("{}.workspace = true", dependency.name);
            let table = format!("{} = {{ workspace = true", dependency.name);
            let own = dependency.name == package.name.as_str();
            assert!(
                own || manifest.contains(&line) || manifest.contains(&table),
                "{}: {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn a_folder_is_named_as_its_package() {
    for package in ours(&metadata()).values() {
        let folder = package.manifest_path.parent().and_then(|p| p.file_name()).expect("a folder");
        assert!(folder == package.name.as_str() || (folder == "tests" && package.name.as_str() == "handoff-tests"));
    }
}

#[test]
fn every_integration_file_is_declared() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let main = std::fs::read_to_string(folder.join("main.rs")).expect("main.rs");
    for file in rust_files(&folder) {
        let stem = file.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
        if file.parent() == Some(folder.as_path()) && stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "{stem}.rs is not declared in main.rs");
        }
    }
}

#[test]
fn every_source_file_says_in_its_first_line_what_it_is_for() {
    for folder in ["crates", "apps", "tests"] {
        for file in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            assert!(text.starts_with("//!"), "{} does not begin with //!", file.display());
        }
    }
}
