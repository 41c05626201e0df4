//! What a file speaks of: every path in it, in `use`, in code and inside macros.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ExprMethodCall, ItemMod, ItemUse, Macro, Path, UseTree};

use crate::source::Source;

/// A path, or the name of a method that is called (then alone).
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) line: usize,
    /// As written, with `crate`, `self` and `super` resolved: `crate::spool::io` → `["crate", "spool", "io"]`.
    pub(crate) path: Vec<String>,
    /// Of a method call, not of a path.
    pub(crate) is_method: bool,
    /// The name that a `pub use` gives it here.
    pub(crate) exported: Option<String>,
}

impl Reference {
    /// The path inside this crate, where it is one.
    pub(crate) fn inside(&self) -> Option<&[String]> {
        self.path.split_first().filter(|(first, _)| *first == "crate").map(|(_, rest)| rest)
    }

    /// Whether these names follow each other in it: `Instant::now` is in `std::time::Instant::now`.
    pub(crate) fn speaks_of(&self, words: &str) -> bool {
        let words: Vec<_> = words.split("::").collect();
        self.path.windows(words.len()).any(|window| window == words)
    }
}

/// All references of a file, in its order.
pub(crate) fn of(source: &Source) -> Vec<Reference> {
    let module = source.module().unwrap_or_default();
    // The binary sees the library as a crate of its own name.
    let mut collector = Collector { module, found: Vec::new() };
    collector.visit_file(&source.ast);
    collector.found
}

struct Collector {
    module: Vec<String>,
    found: Vec<Reference>,
}

impl Collector {
    fn add(&mut self, line: usize, path: Vec<String>, exported: Option<String>) {
        let path = self.resolve(path);
        self.found.push(Reference { line, path, is_method: false, exported });
    }

    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let climbs = path.iter().take_while(|segment| *segment == "super").count();
        let depth = self.module.len().saturating_sub(climbs);
        let from_here = |skip: usize| {
            let base = std::iter::once("crate").chain(self.module.iter().take(depth).map(String::as_str));
            base.chain(path.iter().skip(skip).map(String::as_str)).map(str::to_owned).collect()
        };
        match path.first().map(String::as_str) {
            Some("super") => from_here(climbs),
            Some("self") if path.len() > 1 => from_here(1),
            Some("hookgate") => std::iter::once("crate".to_owned()).chain(path.into_iter().skip(1)).collect(),
            _ => path,
        }
    }

    fn flatten(&mut self, tree: &UseTree, before: &[String], is_public: bool) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.flatten(&tree.tree, &path, is_public);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.flatten(tree, before, is_public)),
            UseTree::Name(_) | UseTree::Rename(_) | UseTree::Glob(_) => {
                let (name, alias) = match tree {
                    UseTree::Rename(tree) => (tree.ident.to_string(), tree.rename.to_string()),
                    UseTree::Name(tree) => (tree.ident.to_string(), tree.ident.to_string()),
                    _ => ("*".to_owned(), "*".to_owned()),
                };
                // `use a::{self}` means `a`.
                path.extend(Some(name).filter(|name| name != "self" || before.is_empty()));
                self.add(tree.span().start().line, path, is_public.then_some(alias));
            }
        }
    }

    /// Macros hold tokens, not code: a path in them is names with `::` between.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Pending::default();
        let mut after_colons = false;
        let mut after_dot = false;
        for token in tokens {
            let line = token.span().start().line;
            match token {
                TokenTree::Ident(name) if after_dot => {
                    self.found.push(method(line, &name));
                    after_dot = false;
                }
                TokenTree::Ident(name) if after_colons => path.names.push(name.to_string()),
                TokenTree::Ident(name) => {
                    self.flush(&mut path);
                    path = Pending { line, names: vec![name.to_string()] };
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    after_colons = true;
                    continue;
                }
                TokenTree::Punct(mark) => {
                    self.flush(&mut path);
                    after_dot = mark.as_char() == '.';
                }
                TokenTree::Group(group) => {
                    self.flush(&mut path);
                    self.scan(group.stream());
                }
                TokenTree::Literal(_) => self.flush(&mut path),
            }
            after_colons = false;
        }
        self.flush(&mut path);
    }

    fn flush(&mut self, path: &mut Pending) {
        if !path.names.is_empty() {
            self.add(path.line, std::mem::take(&mut path.names), None);
        }
    }
}

/// A path in a macro that may go on.
#[derive(Default)]
struct Pending {
    line: usize,
    names: Vec<String>,
}

fn method(line: usize, name: &proc_macro2::Ident) -> Reference {
    Reference { line, path: vec![name.to_string()], is_method: true, exported: None }
}

impl Visit<'_> for Collector {
    fn visit_item_use(&mut self, item: &ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        self.flatten(&item.tree, &[], is_public);
    }

    fn visit_path(&mut self, path: &Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(path.span().start().line, segments, None);
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        self.found.push(method(call.method.span().start().line, &call.method));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone());
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }
}

#[test]
fn paths_are_found_wherever_they_hide() {
    let text = "use crate::{a::{self, B as C}, d::*};\npub use super::e;\nfn f() { x(|| self::g::h()).i(); }\n\
                fn j() { k!(\"{}\", crate::l::M, n.o(super::p)); }\nmod inner { use super::q; }";
    let sources = crate::source::planted(&[("room/file.rs", text)]);
    let found = of(sources.first().expect("one file"));
    let paths: Vec<_> = found.iter().map(|reference| (reference.line, reference.path.join("::"))).collect();
    for expected in [
        (1, "crate::a"),
        (1, "crate::a::B"),
        (1, "crate::d::*"),
        (2, "crate::room::e"),
        (3, "crate::room::file::g::h"),
        (3, "i"),
        (4, "crate::l::M"),
        (4, "o"),
        (4, "crate::room::p"),
        (5, "crate::room::file::q"),
    ] {
        assert!(paths.contains(&(expected.0, expected.1.to_owned())), "{expected:?} is not in {paths:?}");
    }
    assert_eq!(found.iter().find_map(|reference| reference.exported.as_deref()), Some("e"));
}
