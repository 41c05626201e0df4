//! No marks of unfinished work, and no way to panic, outside tests.

use crate::reference;
use crate::source::{self, Source, assert_found, assert_none};

const MARKS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];
const PANICS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];

fn debts(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let path = &source.path;
        for (number, line) in &source.lines {
            for mark in MARKS.iter().filter(|mark| words(line).any(|word| word == **mark)) {
                findings.push(format!("src/{path}:{number}: {mark}"));
            }
        }
        for reference in reference::of(source) {
            let Some(name) = reference.path.last() else { continue };
            let panics = reference.is_method && PANICS.contains(&name.as_str());
            let unfinished = !reference.is_method && UNFINISHED.contains(&name.as_str());
            if panics || unfinished {
                findings.push(format!("src/{path}:{}: {name}", reference.line));
            }
        }
    }
    findings
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn nothing_is_left_undone_and_nothing_panics() {
    assert_none(&debts(&source::ours()));
}

#[test]
fn a_debt_is_found() {
    let text = "// TODO: later\nfn f() { a.unwrap(); b.unwrap_or(0); todo!() }\nfn g() { assert!(c.expect(\"d\")) }\n\
                #[expect(lint)]\nfn h() { let todo = 1; }\n#[cfg(test)]\nfn t() { a.unwrap() }";
    assert_found(
        &debts(&source::planted(&[("a.rs", text)])),
        &["src/a.rs:1: TODO", "src/a.rs:2: unwrap", "src/a.rs:2: todo", "src/a.rs:3: expect"],
    );
}
