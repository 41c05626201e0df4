//! Where the dependencies of the binary come from, under which licences, and that none is there twice without a reason.
//!
//! Advisories are not looked up: that needs a database from outside. `cargo audit` does.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::source::{assert_found, assert_none, root};

/// Licences that ask for no more than their own text.
const LICENCES: [&str; 11] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that are there in two versions, and why.
const TWICE: [(&str, &str); 3] = [
    ("getrandom", "ring is still on 0.2"),
    ("hashbrown", "dashmap is still on 0.14"),
    ("syn", "derive macros are moving from 2 to 3; it is not in the binary"),
];

struct Package {
    name: String,
    version: String,
    licence: String,
    source: Option<String>,
}

fn objections(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Package { name, version, licence, source } in packages {
        if !allows(licence) {
            findings.push(format!("{name} {version}: no licence of `{licence}` is on the list"));
        }
        if source.as_deref().is_some_and(|source| source != REGISTRY) {
            findings.push(format!("{name} {version}: not from crates.io"));
        }
        versions.entry(name).or_default().insert(version);
    }
    let excused = |name: &str| TWICE.iter().any(|(its, _)| *its == name);
    for (name, versions) in &versions {
        if (versions.len() > 1) != excused(name) {
            findings.push(format!("{name} is there in {} versions, which TWICE does not say", versions.len()));
        }
    }
    findings
}

/// Whether an SPDX expression can be met: `MIT OR (Apache-2.0 AND Unicode-3.0)`. Old crates write `/` for `OR`.
fn allows(expression: &str) -> bool {
    let spaced =
        expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "\u{a0}WITH\u{a0}");
    let mut words = spaced.split([' ']).filter(|word| !word.is_empty()).peekable();
    any_of(&mut words)
}

type Words<'a, I> = std::iter::Peekable<I>;

fn any_of<'a, I: Iterator<Item = &'a str>>(words: &mut Words<'a, I>) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of<'a, I: Iterator<Item = &'a str>>(words: &mut Words<'a, I>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one<'a, I: Iterator<Item = &'a str>>(words: &mut Words<'a, I>) -> bool {
    let word = words.next().unwrap_or_default();
    if word != "(" {
        return LICENCES.contains(&word.replace('\u{a0}', " ").as_str());
    }
    let allowed = any_of(words);
    words.next_if_eq(&")").is_some() && allowed
}

/// What goes into the binary or builds it; not what only tests use.
fn ours() -> Vec<Package> {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"];
    let said = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().expect("cargo runs");
    let graph: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let entries = list.as_array().expect("an array").iter();
        entries.map(|entry| (entry["id"].as_str().expect("an id").to_owned(), entry.clone())).collect()
    };
    let (packages, nodes) = (by_id(&graph["packages"]), by_id(&graph["resolve"]["nodes"]));
    let mut seen = BTreeSet::new();
    let mut open = vec![graph["resolve"]["root"].as_str().expect("a root").to_owned()];
    while let Some(id) = open.pop() {
        let needs = nodes.get(&id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
        let shipped = needs
            .filter(|dep| dep["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k["kind"] != "dev")));
        open.extend(shipped.filter_map(|dep| dep["pkg"].as_str()).filter(|id| !seen.contains(*id)).map(str::to_owned));
        seen.insert(id);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |id: &String| {
        let package = packages.get(id).expect("every node is a package");
        let source = package["source"].as_str().map(str::to_owned);
        Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]),
            source,
        }
    };
    seen.iter().map(package).collect()
}

#[test]
fn dependencies_come_from_one_place_once_and_under_licences_that_we_can_keep() {
    let packages = ours();
    assert!(packages.len() > 50, "only {} packages were found", packages.len());
    assert_none(&objections(&packages));
}

#[test]
fn an_objection_is_found() {
    let package = |name: &str, version: &str, licence: &str, source: &str| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.to_owned(),
        source: Some(source.to_owned()),
    };
    let mut packages: Vec<_> =
        TWICE.iter().flat_map(|(name, _)| ["1", "2"].map(|version| package(name, version, "MIT", REGISTRY))).collect();
    packages.push(package("a", "1", "GPL-3.0 OR Apache-2.0", REGISTRY));
    assert_none(&objections(&packages));
    packages.push(package("a", "2", "MIT AND (GPL-3.0 OR LGPL-3.0)", REGISTRY));
    packages.push(package("b", "1", "", "git+https://example.com/b"));
    assert_found(
        &objections(&packages),
        &[
            "a 2: no licence of `MIT AND (GPL-3.0 OR LGPL-3.0)` is on the list",
            "b 1: no licence of `` is on the list",
            "b 1: not from crates.io",
            "a is there in 2 versions, which TWICE does not say",
        ],
    );
    packages.retain(|package| package.name != "syn" || package.version == "1");
    assert!(objections(&packages).contains(&"syn is there in 1 versions, which TWICE does not say".to_owned()));
}
