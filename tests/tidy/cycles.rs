//! The files of one room do not import each other in a circle.
//!
//! A room's face (`mod.rs`, or the file beside its directory) is left out: it hands down the words of the room and calls
//! its files, which is what a face is for. What it only hands on (`pub use slot::Slot;`) counts as taken from the file
//! that it comes from. Between rooms the floors rule out circles already.

use std::collections::{BTreeMap, BTreeSet};

use crate::reference;
use crate::source::{self, Source, assert_found, assert_none};

type Module = Vec<String>;
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn cycles(sources: &[Source]) -> Vec<String> {
    let graph = graph(sources);
    let reaches = |from: &Module, to: &Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in graph.get(module).into_iter().flatten() {
                if next == to {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    };
    let show = |module: &Module| module.join("::");
    let on_a_circle = |(module, next): &(&Module, &Module)| reaches(next, module);
    let edges = graph.iter().flat_map(|(module, nexts)| nexts.iter().map(move |next| (module, next)));
    let circular = edges.filter(on_a_circle);
    circular.map(|(module, next)| format!("{} imports {}, which leads back", show(module), show(next))).collect()
}

fn graph(sources: &[Source]) -> Graph {
    let modules: BTreeSet<Module> = sources.iter().filter_map(Source::module).collect();
    let is_face = |module: &Module| modules.iter().any(|other| other != module && other.starts_with(module));
    let exports = exports(sources);
    let edges = |source: &Source| {
        let here = source.module().filter(|module| !is_face(module))?;
        let targets = reference::of(source).into_iter().filter_map(|reference| {
            let path = reference.inside()?;
            let path = exports.get(path.get(..2.min(path.len()))?).map_or(path, Vec::as_slice);
            let file = (1..=path.len()).rev().find_map(|length| modules.get(path.get(..length)?))?;
            let same_room = file.first() == here.first() && *file != here && !is_face(file);
            same_room.then(|| file.clone())
        });
        let targets = targets.collect();
        Some((here, targets))
    };
    sources.iter().filter_map(edges).collect()
}

/// Room and name → where the room's face takes it from.
fn exports(sources: &[Source]) -> BTreeMap<Module, Module> {
    let faces = sources.iter().filter(|source| source.module().is_some_and(|module| module.len() == 1));
    let exports = faces.flat_map(|source| {
        let module = source.module().unwrap_or_default();
        reference::of(source).into_iter().filter_map(move |reference| {
            let from = reference.path.clone();
            // A face may leave out `self`.
            let from = match from.split_first()? {
                (first, rest) if first == "crate" => rest.to_vec(),
                _ => [module.clone(), from].concat(),
            };
            Some(([module.clone(), vec![reference.exported?]].concat(), from))
        })
    });
    exports.collect()
}

#[test]
fn the_files_of_a_room_do_not_import_each_other_in_a_circle() {
    assert_none(&cycles(&source::ours()));
}

#[test]
fn a_circle_is_found_even_through_the_face() {
    let sources = source::planted(&[
        ("a/mod.rs", "mod one;\nmod two;\nmod three;\npub use two::Two;\npub struct Word;\nfn f() { three::h() }"),
        ("a/one.rs", "use super::Two;"),
        ("a/two.rs", "fn f() { super::one::g() }"),
        ("a/three.rs", "use crate::a::{Word, one::One};"),
    ]);
    assert_found(
        &cycles(&sources),
        &["a::one imports a::two, which leads back", "a::two imports a::one, which leads back"],
    );
}
