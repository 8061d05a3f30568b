//! The files of a crate and which of them use one another, from its source.
//!
//! A use of a re-exported name counts as a use of the file that defines it, so that `pub use` hides nothing. Tests
//! (`#[cfg(test)]`) and everything that only macros expand to are left out; paths written inside a macro call are read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, ItemMod, UseTree, Visibility, visit::Visit};

/// The maximum number of re-exports that a name is followed through.
const RE_EXPORTS_MAX: usize = 16;

/// A crate's files, and for each file those it uses.
#[derive(Debug, Default)]
pub struct Graph {
    /// Every file, with the files of the same crate it uses.
    pub uses: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// Why a crate's source could not be read.
#[derive(Debug)]
pub enum ModuleError {
    /// A file could not be read.
    Read(PathBuf, io::Error),
    /// A file is not Rust.
    Parse(PathBuf, syn::Error),
    /// `mod name;` without a file.
    Missing(PathBuf),
}

impl std::fmt::Display for ModuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(file, error) => write!(f, "{}: {error}", file.display()),
            Self::Parse(file, error) => write!(f, "{}: {error}", file.display()),
            Self::Missing(file) => write!(f, "{}: a module without a file", file.display()),
        }
    }
}

impl std::error::Error for ModuleError {}

impl Graph {
    /// Reads the crate whose root is `lib.rs` or `main.rs`.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub fn of(root: &Path) -> Result<Self, ModuleError> {
        let mut modules = Modules::default();
        modules.read(&Segments::new(), root, &root.with_file_name(""))?;
        Ok(modules.graph())
    }

    /// Sets of files each of which uses all others of its set, in one step or in several. Sorted, largest first.
    pub fn circles(&self) -> Vec<BTreeSet<PathBuf>> {
        let reach: BTreeMap<&Path, BTreeSet<&Path>> =
            self.uses.keys().map(|file| (file.as_path(), self.reachable(file))).collect();
        let mut circles: Vec<BTreeSet<PathBuf>> = Vec::new();
        for (file, reached) in &reach {
            if !reached.contains(file) || circles.iter().any(|circle| circle.contains(*file)) {
                continue;
            }
            let members = reached.iter().filter(|other| reach[*other].contains(file));
            circles.push(members.map(|member| member.to_path_buf()).collect());
        }
        circles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        circles
    }

    fn reachable(&self, from: &Path) -> BTreeSet<&Path> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in self.uses.get(file).into_iter().flatten() {
                if reached.insert(next.as_path()) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

type Segments = Vec<String>;

/// A module, inline or in a file of its own.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    items: BTreeSet<String>,
    // What a `use` calls it here, and the path behind the name.
    imports: BTreeMap<String, Segments>,
    globs: Vec<Segments>,
    // Paths in code, private imports among them.
    paths: BTreeSet<Segments>,
}

#[derive(Debug, Default)]
struct Modules {
    by_path: BTreeMap<Segments, Module>,
}

impl Modules {
    fn read(&mut self, path: &Segments, file: &Path, folder: &Path) -> Result<(), ModuleError> {
        let text = fs::read_to_string(file).map_err(|e| ModuleError::Read(file.into(), e))?;
        let source = syn::parse_file(&text).map_err(|e| ModuleError::Parse(file.into(), e))?;
        self.enter(path, file, folder, &source.items)
    }

    fn enter(
        &mut self,
        path: &Segments,
        file: &Path,
        folder: &Path,
        items: &[Item],
    ) -> Result<(), ModuleError> {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            module.take(item);
        }
        self.by_path.insert(path.clone(), module);
        for item in items {
            if let Item::Mod(child) = item
                && !is_test(&child.attrs)
            {
                self.enter_child(path, file, folder, child)?;
            }
        }
        Ok(())
    }

    fn enter_child(
        &mut self,
        path: &Segments,
        file: &Path,
        folder: &Path,
        child: &ItemMod,
    ) -> Result<(), ModuleError> {
        let name = child.ident.to_string();
        let inner = folder.join(&name);
        let path: Segments = path.iter().cloned().chain([name.clone()]).collect();
        if let Some((_, items)) = &child.content {
            return self.enter(&path, file, &inner, items);
        }
        let candidates = [folder.join(format!("{name}.rs")), inner.join("mod.rs")];
        let found = candidates.into_iter().find(|candidate| candidate.is_file());
        let found = found.ok_or_else(|| ModuleError::Missing(folder.join(format!("{name}.rs"))))?;
        self.read(&path, &found, &inner)
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for (at, module) in &self.by_path {
            let edges = graph.uses.entry(module.file.clone()).or_default();
            for path in &module.paths {
                let used = self.file_of(at, path, RE_EXPORTS_MAX);
                edges.extend(used.filter(|file| **file != module.file).cloned());
            }
        }
        graph
    }

    // The file that defines what `path`, written in the module `at`, is about.
    fn file_of(&self, at: &Segments, path: &[String], left: usize) -> Option<&PathBuf> {
        let mut here = at.clone();
        let mut rest = path;
        let mut is_start = true;
        while let Some((first, tail)) = rest.split_first() {
            let module = self.by_path.get(&here)?;
            match first.as_str() {
                "crate" => here.clear(),
                "self" => {}
                "super" => drop(here.pop()?),
                name => {
                    let child: Segments = here.iter().cloned().chain([name.to_owned()]).collect();
                    if self.by_path.contains_key(&child) {
                        here = child;
                    } else if module.items.contains(name) {
                        return Some(&module.file);
                    } else {
                        return self.behind_import(&here, name, tail, is_start, left);
                    }
                }
            }
            is_start = false;
            rest = tail;
        }
        // A module by itself, as in `pub(super)` or `use crate::name`: what is used of it is named elsewhere.
        None
    }

    fn behind_import(
        &self,
        at: &Segments,
        name: &str,
        tail: &[String],
        is_start: bool,
        left: usize,
    ) -> Option<&PathBuf> {
        let left = left.checked_sub(1)?;
        let module = self.by_path.get(at)?;
        if let Some(target) = module.imports.get(name) {
            if target.first().is_some_and(|first| first == name) && target.len() == 1 {
                return None;
            }
            let full: Segments = target.iter().chain(tail).cloned().collect();
            return self.file_of(at, &full, left);
        }
        let glob = module.globs.iter().find_map(|glob| {
            let full: Segments =
                glob.iter().cloned().chain([name.to_owned()]).chain(tail.iter().cloned()).collect();
            self.file_of(at, &full, left)
        });
        // A name that is nowhere is another crate's at the start of a path, and a macro's product behind one of ours.
        glob.or((!is_start).then_some(&module.file))
    }
}

impl Module {
    fn take(&mut self, item: &Item) {
        if let Some(name) = defined(item) {
            self.items.insert(name);
        }
        match item {
            Item::Use(import) => {
                let is_private = matches!(import.vis, Visibility::Inherited);
                self.import(&mut Vec::new(), &import.tree, is_private);
            }
            // Its content is a module of its own.
            Item::Mod(_) => {}
            other => Paths(&mut self.paths).visit_item(other),
        }
    }

    fn import(&mut self, before: &mut Segments, tree: &UseTree, is_private: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(before, &path.tree, is_private);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(before, tree, is_private);
                }
            }
            UseTree::Glob(_) => {
                self.globs.push(before.clone());
            }
            UseTree::Name(name) => self.name(before, &name.ident.to_string(), None, is_private),
            UseTree::Rename(name) => {
                let alias = name.rename.to_string();
                self.name(before, &name.ident.to_string(), Some(alias), is_private);
            }
        }
    }

    fn name(&mut self, before: &Segments, name: &str, alias: Option<String>, is_private: bool) {
        let mut path = before.clone();
        if name != "self" {
            path.push(name.to_owned());
        }
        let called = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        if is_private {
            self.paths.insert(path.clone());
        }
        self.imports.insert(called, path);
    }
}

/// Collects the paths of code.
struct Paths<'a>(&'a mut BTreeSet<Segments>);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        paths_in(call.tokens.clone(), self.0);
    }
}

fn paths_in(tokens: TokenStream, paths: &mut BTreeSet<Segments>) {
    let mut path = Segments::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    take(&mut path, paths);
                }
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            other => {
                take(&mut path, paths);
                colons = 0;
                if let TokenTree::Group(group) = other {
                    paths_in(group.stream(), paths);
                }
            }
        }
    }
    take(&mut path, paths);
}

fn take(path: &mut Segments, paths: &mut BTreeSet<Segments>) {
    if !path.is_empty() {
        paths.insert(std::mem::take(path));
    }
}

fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(it) => &it.ident,
        Item::Enum(it) => &it.ident,
        Item::Fn(it) => &it.sig.ident,
        Item::Macro(it) => it.ident.as_ref()?,
        Item::Static(it) => &it.ident,
        Item::Struct(it) => &it.ident,
        Item::Trait(it) => &it.ident,
        Item::Type(it) => &it.ident,
        Item::Union(it) => &it.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// The attributes of an item of a kind that tests consist of.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Whether these attributes keep an item for tests: `#[cfg(test)]`, alone or with more.
pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<TokenStream>().is_ok_and(|condition| {
                let condition = condition.to_string();
                condition == "test" || condition.starts_with("all (test")
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Crate(tempfile::TempDir);

    impl Crate {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in files {
                let file = folder.path().join(name);
                fs::create_dir_all(file.parent().expect("a folder")).expect("made");
                fs::write(file, text).expect("written");
            }
            Self(folder)
        }

        fn circles(&self) -> Vec<Vec<String>> {
            let graph = Graph::of(&self.0.path().join("lib.rs")).expect("a crate");
            let name = |file: &PathBuf| {
                file.strip_prefix(self.0.path()).expect("inside").display().to_string()
            };
            graph.circles().iter().map(|circle| circle.iter().map(name).collect()).collect()
        }
    }

    #[test]
    fn files_that_use_one_another_are_a_circle() {
        let it = Crate::with(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B; fn f(_: super::a::A) {}"),
            ("c.rs", "use crate::a::A; fn f(_: A) {}"),
        ]);
        assert_eq!(it.circles(), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn a_re_export_hides_no_circle() {
        let it = Crate::with(&[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::*;"),
            ("a.rs", "pub struct A(crate::B);"),
            ("b.rs", "use crate::A; pub struct B; fn f(_: A) {}"),
        ]);
        assert_eq!(it.circles(), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn to_name_a_child_is_not_to_use_it() {
        let it = Crate::with(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod inner; pub use inner::Inner; pub struct A;"),
            ("a/inner.rs", "use super::A; pub struct Inner(A);"),
        ]);
        assert!(it.circles().is_empty());
    }

    #[test]
    fn a_parent_that_uses_what_uses_it_is_in_a_circle() {
        let it = Crate::with(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod inner; pub use inner::Inner; pub struct A; fn f(_: Inner) {}"),
            ("a/inner.rs", "use super::A; pub struct Inner(A);"),
        ]);
        assert_eq!(it.circles(), [["a/inner.rs", "a.rs"]]);
    }

    #[test]
    fn tests_are_left_out_and_macro_calls_are_read() {
        let it = Crate::with(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }"),
            ("b.rs", "use crate::a::A; pub struct B(A); pub const N: u8 = 1;"),
            ("c.rs", "pub const M: u8 = 1; fn f() { println!(\"{}\", crate::b::N); }"),
        ]);
        assert!(it.circles().is_empty());
        let graph = Graph::of(&it.0.path().join("lib.rs")).expect("a crate");
        assert!(graph.uses[&it.0.path().join("c.rs")].contains(&it.0.path().join("b.rs")));
    }
}
