//! A module imports only lower floors, and siblings are strangers.
//!
//! The floors are the table in the documentation of `src/lib.rs`; this reads it there, so that the two cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use crate::reference;
use crate::source::{self, Source, assert_found, assert_none};

/// Module → floor.
type Floors = BTreeMap<String, u8>;

/// Reads rows such as `//! | 4 | `listener` `admin` | the edges |`.
fn floors(lib: &Source) -> Floors {
    let rows = lib.lines.iter().filter_map(|(_, line)| line.strip_prefix("//! |"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let floor = |cells: Vec<&str>| {
        let number = cells.first()?.parse::<u8>().ok()?;
        let names = cells.get(1)?.split_whitespace().map(move |name| (name.trim_matches('`').to_owned(), number));
        Some(names.collect::<Vec<_>>())
    };
    cells.filter_map(floor).flatten().collect()
}

fn lib(sources: &[Source]) -> &Source {
    sources.iter().find(|source| source.path == "lib.rs").expect("src/lib.rs")
}

/// The top module of a file: `spool/io.rs` → `spool`. `lib.rs` and the build script have none.
fn top(source: &Source) -> Option<String> {
    source.module()?.into_iter().next()
}

/// Imports that do not go down.
fn climbs(sources: &[Source]) -> Vec<String> {
    let floors = floors(lib(sources));
    let mut findings = Vec::new();
    for source in sources {
        let Some(here) = top(source) else { continue };
        let Some(floor) = floors.get(&here) else { continue };
        let mut seen = BTreeSet::new();
        for reference in reference::of(source) {
            let Some(there) = reference.inside().and_then(|path| path.first()) else { continue };
            let Some(its) = floors.get(there) else { continue };
            if *there != here && its >= floor && seen.insert(there.clone()) {
                let (path, line) = (&source.path, reference.line);
                findings.push(format!("src/{path}:{line}: {here} (floor {floor}) imports {there} (floor {its})"));
            }
        }
    }
    findings
}

/// Modules without a floor, and floors without their module.
fn strangers(sources: &[Source]) -> Vec<String> {
    let floors = floors(lib(sources));
    let modules: BTreeSet<_> = sources.iter().filter_map(top).collect();
    let homeless = modules.iter().filter(|module| !floors.contains_key(*module));
    let homeless = homeless.map(|module| format!("src/{module}: in no row of the table of floors in src/lib.rs"));
    let empty = floors.keys().filter(|module| !modules.contains(*module));
    let empty = empty.map(|module| format!("src/lib.rs: the table of floors names `{module}`, which is not there"));
    homeless.chain(empty).collect()
}

#[test]
fn a_module_imports_only_lower_floors() {
    assert_none(&climbs(&source::ours()));
}

#[test]
fn the_table_of_floors_names_every_module_and_nothing_else() {
    assert_none(&strangers(&source::ours()));
}

const LIB: &str = "//! | floor | modules | what |\n//! | --- | --- | --- |\n//! | 2 | `spool` `kafka` | engines over `event` |\n\
                   //! | 1 | `event` | pure |\n";

#[test]
fn a_climb_is_found() {
    let sources = source::planted(&[
        ("lib.rs", LIB),
        ("event.rs", "use crate::spool::Spool;\nuse crate::spool::io;"),
        ("spool/io.rs", "use super::Frame;\nuse crate::event::Event;\nfn f() { g!(crate::kafka::h) }"),
        ("kafka.rs", "#[cfg(test)]\nmod tests {\n    use crate::spool::Spool;\n}"),
    ]);
    assert_found(
        &climbs(&sources),
        &[
            "src/event.rs:1: event (floor 1) imports spool (floor 2)",
            "src/spool/io.rs:3: spool (floor 2) imports kafka (floor 2)",
        ],
    );
}

#[test]
fn a_module_without_a_floor_is_found_and_a_floor_without_a_module() {
    let sources = source::planted(&[("lib.rs", LIB), ("event.rs", ""), ("spool/mod.rs", ""), ("extra.rs", "")]);
    assert_found(
        &strangers(&sources),
        &[
            "src/extra: in no row of the table of floors in src/lib.rs",
            "src/lib.rs: the table of floors names `kafka`, which is not there",
        ],
    );
}
