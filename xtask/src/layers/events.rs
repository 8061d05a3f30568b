//! Where events of conversations are constructed: in the rules, and where a stored log is read.
//!
//! A construction is an `EventKind::…` as an expression, also inside a macro call. Patterns, comparisons with a variant
//! without fields, and tests (`#[cfg(test)]`) are none.

use std::{collections::BTreeSet, fs, path::Path};

use syn::{
    BinOp, Expr, Item, Macro, Token, UseTree, parse::Parser, punctuated::Punctuated, visit::Visit,
};
use xtask::{
    modules::{Graph, attributes, is_test},
    workspace,
};

use super::rules::{Allowed, relative};
use crate::failure::Failure;

/// The type of events.
const EVENT_KIND: &str = "EventKind";

/// Macros whose arguments are patterns.
const PATTERN_MACROS: &[&str] = &["matches", "assert_matches", "debug_assert_matches"];

/// What is wrong with the constructions in every crate: those in files that are not on `allowed`, and entries of the list
/// that none is left for.
pub(super) fn event_faults(allowed: &[Allowed]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for root in workspace::crate_roots().map_err(Failure::while_doing("list the crates"))? {
        let graph = Graph::of(&root).map_err(|error| Failure::Other(error.to_string()))?;
        for file in graph.uses.keys() {
            found.extend(constructions_in_file(file)?.map(|kinds| (relative(file), kinds)));
        }
    }
    Ok(compare(&found, allowed))
}

/// What a file constructs; `None` when nothing.
fn constructions_in_file(file: &Path) -> Result<Option<BTreeSet<String>>, Failure> {
    let text = fs::read_to_string(file).map_err(Failure::while_doing("read the sources"))?;
    let found = constructions(&text)
        .map_err(|error| Failure::Other(format!("{}: {error}", file.display())))?;
    Ok((!found.is_empty()).then_some(found))
}

/// What a source text constructs: names of variants. An import that would hide a construction counts too.
fn constructions(source: &str) -> Result<BTreeSet<String>, syn::Error> {
    let mut found = Constructions::default();
    found.visit_file(&syn::parse_file(source)?);
    Ok(found.0)
}

#[derive(Default)]
struct Constructions(BTreeSet<String>);

impl Constructions {
    fn note(&mut self, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        if let [.., kind, variant] = &names[..]
            && kind == EVENT_KIND
        {
            self.0.insert(variant.clone());
        }
    }

    /// Finds `EventKind as …`, `EventKind::*` and `EventKind::{…}`.
    fn note_import(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) if path.ident == EVENT_KIND => {
                self.0.insert(format!("an import from {EVENT_KIND}"));
            }
            UseTree::Path(path) => self.note_import(&path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_import(tree)),
            UseTree::Rename(name) if name.ident == EVENT_KIND => {
                self.0.insert(format!("another name for {EVENT_KIND}"));
            }
            UseTree::Rename(_) | UseTree::Name(_) | UseTree::Glob(_) => {}
        }
    }
}

impl<'ast> Visit<'ast> for Constructions {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Use(import) = item {
            self.note_import(&import.tree);
        }
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::Path(path) => self.note(&path.path),
            Expr::Struct(literal) => self.note(&literal.path),
            Expr::Binary(compared) if matches!(compared.op, BinOp::Eq(_) | BinOp::Ne(_)) => {
                for side in [&*compared.left, &*compared.right] {
                    if !matches!(side, Expr::Path(_)) {
                        self.visit_expr(side);
                    }
                }
                return;
            }
            _ => {}
        }
        syn::visit::visit_expr(self, expression);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        let name = call.path.segments.last().map(|segment| segment.ident.to_string());
        if name.is_some_and(|name| PATTERN_MACROS.contains(&name.as_str())) {
            return;
        }
        let expressions = Punctuated::<Expr, Token![,]>::parse_terminated;
        // What is no list of expressions is the syntax of that macro alone.
        if let Ok(arguments) = expressions.parse2(call.tokens.clone()) {
            for argument in &arguments {
                self.visit_expr(argument);
            }
        }
    }
}

fn compare(found: &[(String, BTreeSet<String>)], allowed: &[Allowed]) -> Vec<String> {
    let is_listed = |file: &str, one: &Allowed| one.files.iter().any(|path| is_under(file, path));
    let new = found.iter().filter(|(file, _)| !allowed.iter().any(|one| is_listed(file, one)));
    let new = new.map(|(file, kinds)| {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        format!(
            "{file} constructs events ({}): let the rules in crates/domain/src/conversation/ledger.rs do it",
            kinds.join(", ")
        )
    });
    let paths = allowed.iter().flat_map(|one| one.files.iter().map(move |path| (path, one)));
    let gone = paths.filter(|(path, _)| !found.iter().any(|(file, _)| is_under(file, path)));
    let gone = gone.map(|(path, one)| {
        format!(
            "{path} constructs no event, remove it from the list in xtask/src/layers/plan.rs ({})",
            one.because
        )
    });
    new.chain(gone).collect()
}

/// Whether `path` is the file, or a folder that it is in.
fn is_under(file: &str, path: &str) -> bool {
    Path::new(file).starts_with(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> Vec<String> {
        constructions(source).expect("Rust").into_iter().collect()
    }

    #[test]
    fn a_construction_is_found_wherever_it_stands() {
        assert_eq!(of("fn f() { g(EventKind::MessagesRead(receipt)) }"), ["MessagesRead"]);
        let literal = "fn f() -> K { event::EventKind::ConversationOpened { subject, status } }";
        assert_eq!(of(literal), ["ConversationOpened"]);
        assert_eq!(
            of("fn f() { append(by, EventKind::ConversationDeleted) }"),
            ["ConversationDeleted"]
        );
        assert_eq!(of("fn f() { ids.map(EventKind::MessageDeleted) }"), ["MessageDeleted"]);
        assert_eq!(of("fn f() { vec![EventKind::MessageDeleted(id)] }"), ["MessageDeleted"]);
        let arm = "fn f() { match x { EventKind::A(y) => EventKind::B(y), _ => z } }";
        assert_eq!(of(arm), ["B"]);
    }

    #[test]
    fn a_pattern_a_comparison_and_a_test_construct_nothing() {
        let patterns = "fn f() {
            match kind { EventKind::A { .. } | EventKind::B(_) | EventKind::C => {} }
            let EventKind::A { subject, .. } = kind else { return };
            if let EventKind::B(message) = &kind {}
            assert!(matches!(kind, EventKind::B(_) | EventKind::C));
        }";
        assert_eq!(of(patterns), [""; 0]);
        assert_eq!(of("fn f() -> bool { last.kind == EventKind::ConversationDeleted }"), [""; 0]);
        assert_eq!(of("fn f() { AppointmentEventKind::Booked; }"), [""; 0]);
        assert_eq!(of("#[cfg(test)] mod tests { fn f() { g(EventKind::B(x)) } }"), [""; 0]);
    }

    #[test]
    fn an_import_does_not_hide_a_construction() {
        assert_eq!(of("use event::{Event, EventKind};"), [""; 0]);
        assert_eq!(of("use event::EventKind::*;").len(), 1);
        assert_eq!(of("use event::{EventKind as Kind};").len(), 1);
    }

    const LISTED: &[Allowed] = &[Allowed { files: &["rules.rs", "readers"], because: "a test" }];

    fn found(files: &[&str]) -> Vec<(String, BTreeSet<String>)> {
        let kinds = BTreeSet::from(["MessagePosted".to_owned()]);
        files.iter().map(|file| ((*file).to_owned(), kinds.clone())).collect()
    }

    #[test]
    fn only_listed_files_may_construct_events() {
        assert_eq!(compare(&found(&["rules.rs", "readers/log.rs"]), LISTED), [""; 0]);
        let wrong = compare(&found(&["rules.rs", "readers/log.rs", "handler.rs"]), LISTED);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(
            wrong[0].starts_with("handler.rs constructs events (MessagePosted): "),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_file_that_constructs_nothing_leaves_the_list() {
        let wrong = compare(&found(&["readers/log.rs"]), LISTED);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("rules.rs constructs no event"), "{wrong:?}");
    }
}
