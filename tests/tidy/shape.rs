//! Short files, short functions, a first line that says what a file is, names that say something.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature};

use crate::source::{self, Source, assert_found, assert_none};

/// Lines of a file, its tests left out.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 5] = ["utils", "helpers", "common", "misc", "types"];

fn shapeless(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let path = &source.path;
        let lines = source.lines.len();
        if lines > FILE_LINES_MAX {
            findings.push(format!("src/{path}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        if !source.ast.attrs.iter().any(|attribute| attribute.path().is_ident("doc")) {
            findings.push(format!("src/{path}: begins with no `//!` that says what it is"));
        }
        for name in path.trim_end_matches(".rs").split('/').filter(|name| EMPTY_NAMES.contains(name)) {
            findings.push(format!("src/{path}: `{name}` says nothing of what is inside"));
        }
        let mut functions = Functions(Vec::new());
        functions.visit_file(&source.ast);
        let long = functions.0.into_iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX);
        findings.extend(long.map(|(line, name, lines)| {
            format!("src/{path}:{line}: {name} has {lines} lines, at most {FUNCTION_LINES_MAX}")
        }));
    }
    findings
}

/// Line, name and length of each function.
struct Functions(Vec<(usize, String, usize)>);

impl Functions {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let first = signature.span().start().line;
        self.0.push((first, signature.ident.to_string(), body.span().end().line + 1 - first));
    }
}

impl Visit<'_> for Functions {
    fn visit_item_fn(&mut self, function: &ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn files_and_functions_are_short_and_say_what_they_are() {
    assert_none(&shapeless(&source::ours()));
}

#[test]
fn a_shapeless_file_is_found() {
    let long_file = format!("//! Long.\n{}", "// one line\n".repeat(FILE_LINES_MAX));
    let long_function = format!("//! Long.\nimpl A {{\n    fn f() {{\n{}    }}\n}}", "        g();\n".repeat(69));
    let fits = format!(
        "//! Fits.\nfn f() {{\n{}}}\n#[cfg(test)]\nmod tests {{\n{}}}",
        "g();\n".repeat(68),
        "h!();\n".repeat(500)
    );
    let sources = source::planted(&[
        ("a.rs", &long_file),
        ("b.rs", &long_function),
        ("c/utils.rs", "//! All sorts."),
        ("d.rs", "// no doc\nfn f() {}"),
        ("e.rs", &fits),
    ]);
    assert_found(
        &shapeless(&sources),
        &[
            "src/a.rs: 501 lines, at most 500",
            "src/b.rs:3: f has 71 lines, at most 70",
            "src/c/utils.rs: `utils` says nothing of what is inside",
            "src/d.rs: begins with no `//!` that says what it is",
        ],
    );
}
