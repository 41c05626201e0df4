//! A log line of level ERROR names its page under `deploy/runbooks`, in a field; every page is named by a line, and by
//! the list of pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{ItemConst, Macro};

use crate::source::{self, Source, assert_found, assert_none, root};

/// The constant that stands for a name, where several lines of a file name the same page.
const CONSTANT: &str = "RUNBOOK";

#[derive(Default)]
struct Named {
    path: String,
    pages: BTreeSet<String>,
    findings: Vec<String>,
}

impl Visit<'_> for Named {
    fn visit_macro(&mut self, call: &Macro) {
        if call.path.segments.last().is_some_and(|last| last.ident == "error") {
            let said = call.tokens.to_string();
            let value =
                said.split_once("runbook = ").map(|(_, rest)| rest.split(',').next().unwrap_or_default().trim());
            match value {
                Some(CONSTANT) => {}
                Some(text) if text.starts_with('"') => {
                    self.pages.insert(text.trim_matches('"').to_owned());
                }
                _ => {
                    let line = call.path.segments.last().map_or(0, |last| last.ident.span().start().line);
                    self.findings.push(format!("src/{}:{line}: an ERROR without its runbook", self.path));
                }
            }
        }
        visit::visit_macro(self, call);
    }

    fn visit_item_const(&mut self, item: &ItemConst) {
        if item.ident == CONSTANT
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = item.expr.as_ref()
        {
            self.pages.insert(name.value());
        }
    }
}

/// The pages that the sources name, and the lines that name none.
fn named(sources: &[Source]) -> (BTreeSet<String>, Vec<String>) {
    let mut named = Named::default();
    for source in sources {
        named.path.clone_from(&source.path);
        named.visit_file(&source.ast);
    }
    (named.pages, named.findings)
}

fn pages(dir: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".md").map(str::to_owned));
    names.filter(|name| name != "README").collect()
}

#[test]
fn every_error_names_a_page_and_every_page_is_named() {
    let dir = root().join("deploy/runbooks");
    let (named, mut findings) = named(&source::ours());
    let pages = pages(&dir);
    findings.extend(named.difference(&pages).map(|name| format!("deploy/runbooks/{name}.md is not there")));
    findings.extend(pages.difference(&named).map(|name| format!("deploy/runbooks/{name}.md: no ERROR names it")));
    let list = fs::read_to_string(dir.join("README.md")).expect("the list of pages");
    let unlisted = pages.iter().filter(|name| !list.contains(&format!("[{name}]({name}.md)")));
    findings.extend(unlisted.map(|name| format!("deploy/runbooks/README.md does not list {name}")));
    assert_none(&findings);
}

#[test]
fn an_error_without_a_page_is_found() {
    let text = "const RUNBOOK: &str = \"a\";\nfn f() { error!(x, runbook = RUNBOOK, \"…\"); tracing::error!(runbook = \"b\", \"…\"); }\n\
                fn g() { error!(\"alone\"); }";
    let (pages, findings) = named(&source::planted(&[("room.rs", text)]));
    assert_eq!(pages.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_found(&findings, &["src/room.rs:3: an ERROR without its runbook"]);
}
