//! The files under `src`, parsed, without their tests.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, File, ImplItem, Item, Lit};

/// A production file. Its tests are gone: items under `#[cfg(test)]`, and the files that such items name.
pub(crate) struct Source {
    /// From `src` on, with `/`: `spool/io.rs`.
    pub(crate) path: String,
    /// What is left without the tests.
    pub(crate) ast: File,
    /// The same as text: line number, line.
    pub(crate) lines: Vec<(usize, String)>,
    /// Paths of files that hold nothing but its tests, without `.rs`: `spool/tests`.
    test_files: Vec<String>,
}

impl Source {
    fn parse(path: &str, text: &str) -> Self {
        let mut ast = syn::parse_file(text).map_err(|error| format!("src/{path}: {error}")).expect("Rust");
        let mut tests = Tests { path: path.to_owned(), ..Tests::default() };
        tests.cut(&mut ast.items);
        let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned()));
        let lines = numbered.filter(|(number, _)| !tests.lines.iter().any(|range| range.contains(number))).collect();
        Self { path: path.to_owned(), ast, lines, test_files: tests.files }
    }

    /// `spool/io.rs` → `["spool", "io"]`, `lib.rs` → `[]`. The build script is no module.
    pub(crate) fn module(&self) -> Option<Vec<String>> {
        let stem = self.path.strip_suffix(".rs").expect("a Rust file");
        match stem {
            "build" => None,
            "lib" => Some(Vec::new()),
            _ => Some(stem.trim_end_matches("/mod").split('/').map(str::to_owned).collect()),
        }
    }

    /// Whether it belongs to a place: a file (`clock.rs`), or a room (`cli`: `cli.rs`, `cli/mod.rs`, all below).
    pub(crate) fn is_in(&self, place: &str) -> bool {
        self.path == place
            || self.path.strip_suffix(".rs") == Some(place)
            || self.path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// The directory that a file's submodules live in: `spool/mod.rs` → `spool`, `cli/presets.rs` → `cli/presets`.
fn directory(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let stem = stem.trim_end_matches("lib").trim_end_matches("main").trim_end_matches("mod");
    stem.trim_end_matches('/').to_owned()
}

#[derive(Default)]
struct Tests {
    path: String,
    files: Vec<String>,
    lines: Vec<RangeInclusive<usize>>,
}

impl Tests {
    fn cut(&mut self, items: &mut Vec<Item>) {
        items.retain(|item| !self.takes(attributes(item), item));
        for item in items {
            match item {
                Item::Mod(module) => module.content.iter_mut().for_each(|(_, items)| self.cut(items)),
                Item::Impl(block) => block.items.retain(|item| !self.takes(member_attributes(item), item)),
                _ => {}
            }
        }
    }

    fn takes(&mut self, attributes: &[Attribute], item: &(impl Spanned + Named)) -> bool {
        if !attributes.iter().any(is_test) {
            return false;
        }
        let start = attributes.iter().map(|attribute| attribute.span().start().line).min();
        self.lines.push(start.unwrap_or(0)..=item.span().end().line);
        if let Some(name) = item.file() {
            let elsewhere = attributes.iter().find_map(path_attribute);
            let (directory, name) = match elsewhere {
                // It counts from where the file lies, not from where its submodules do.
                Some(file) => (self.path.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned(), file),
                None => (directory(&self.path), name),
            };
            self.files.push(format!("{directory}/{name}").trim_start_matches('/').to_owned());
        }
        true
    }
}

/// An item that may stand for a file of its own.
trait Named {
    fn file(&self) -> Option<String>;
}

impl Named for Item {
    fn file(&self) -> Option<String> {
        match self {
            Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
            _ => None,
        }
    }
}

impl Named for ImplItem {
    fn file(&self) -> Option<String> {
        None
    }
}

/// `#[path = "head_tests.rs"]` → `head_tests`.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok().filter(|pair| pair.path.is_ident("path"))?;
    let Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) = &pair.value else { return None };
    Some(path.value().trim_end_matches(".rs").to_owned())
}

/// `#[cfg(test)]` or `#[cfg(all(test, …))]`, and not `#[cfg(not(test))]`.
fn is_test(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    let condition = list.tokens.to_string().replace(' ', "");
    list.path.is_ident("cfg") && (condition == "test" || condition.starts_with("all(test"))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn member_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        _ => &[],
    }
}

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All production files, by path.
pub(crate) fn ours() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let read = |file: &PathBuf| {
        let path = file.strip_prefix(&src).expect("below src").to_str().expect("a name in UTF-8").to_owned();
        (path, fs::read_to_string(file).expect("a readable file"))
    };
    let texts: Vec<_> = files.iter().map(read).collect();
    planted(&texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

/// Sources as a test writes them: path from `src` on, text.
pub(crate) fn planted(texts: &[(&str, &str)]) -> Vec<Source> {
    let mut sources: Vec<_> = texts.iter().map(|(path, text)| Source::parse(path, text)).collect();
    let test_files: Vec<_> = sources.iter().flat_map(|source| source.test_files.clone()).collect();
    sources.retain(|source| !test_files.iter().any(|place| source.is_in(place)));
    sources
}

/// Fails with all findings.
#[track_caller]
pub(crate) fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n  {}\n", findings.len(), findings.join("\n  "));
}

/// Fails unless exactly this was found.
#[track_caller]
pub(crate) fn assert_found(findings: &[String], expected: &[&str]) {
    assert_eq!(findings, expected);
}

#[test]
fn tests_are_left_out() {
    let sources = planted(&[
        ("a/mod.rs", "//! A.\nfn f() {}\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nfn only_tests() {}\nfn g() {}"),
        ("a/tests.rs", "fn t() {}"),
        ("a/tests/more.rs", "fn t() {}"),
        ("a/head.rs", "#[cfg(test)]\n#[path = \"head_tests.rs\"]\nmod tests;\nfn f() {}"),
        ("a/head_tests.rs", "fn t() {}"),
        ("b.rs", "#[cfg(not(test))]\nfn f() {}\nimpl B {\n    #[cfg(test)]\n    fn t() {}\n}"),
    ]);
    let left: Vec<_> = sources.iter().map(|source| (source.path.as_str(), source.lines.len())).collect();
    assert_eq!(left, [("a/mod.rs", 3), ("a/head.rs", 1), ("b.rs", 4)]);
}

#[test]
fn every_file_has_a_module() {
    let sources = planted(&[("lib.rs", ""), ("clock.rs", ""), ("a/mod.rs", ""), ("a/b/c.rs", ""), ("build.rs", "")]);
    let modules: Vec<_> = sources.iter().map(|source| source.module().map(|path| path.join("::"))).collect();
    let expected = ["", "clock", "a", "a::b::c"].map(|module| Some(module.to_owned()));
    assert_eq!(modules, [expected.as_slice(), &[None]].concat());
}
