//! `cargo xtask size`: how large the code is and how it is cut into files.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

use xtask::{modules::Graph, workspace};

use crate::failure::{Failure, no_arguments};

/// Folders that hold no code of a running server, nor of the tools that build it.
const NOT_PRODUCTION: &[&str] = &["tests", "testing", "fuzz", "examples", "benches"];
/// Folders that hold nothing of ours.
const FOREIGN: &[&str] = &["target", "node_modules"];
/// The document that lists the files of each journey.
const MAP: &str = "docs/ARCHITECTURE.md";
/// A file from this length on counts as large.
const LARGE_LINES: usize = 300;

/// Prints the figures.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    no_arguments(arguments)?;
    let sources = sources().map_err(Failure::while_doing("read the sources"))?;
    let everything: Vec<Size> = sources.iter().map(|source| Size::of(&source.text)).collect();
    print_size("all files", &everything);
    let production = sources.iter().filter(|source| source.is_production());
    let production = production.map(|source| Size::of(without_unit_tests(&source.text)));
    print_size("production, without unit tests", &production.collect::<Vec<_>>());
    println!("folders of one file: {}", folders_of_one(&sources));
    let mut circles = Vec::new();
    for root in workspace::crate_roots().map_err(Failure::while_doing("list the crates"))? {
        let graph = Graph::of(&root).map_err(|error| Failure::Other(error.to_string()))?;
        circles.extend(graph.circles());
    }
    println!("circles of files: {}", circles.len());
    for circle in circles {
        let files: Vec<String> = circle.iter().map(|file| in_workspace(file)).collect();
        println!("  {} files: {}", files.len(), files.join(", "));
    }
    let map = workspace::root().join(MAP);
    let map = fs::read_to_string(map).map_err(Failure::while_doing(format!("read {MAP}")))?;
    for journey in journeys(&map) {
        println!("files crossed by \"{}\": {}", journey.title, journey.files.len());
    }
    Ok(())
}

fn in_workspace(file: &Path) -> String {
    file.strip_prefix(workspace::root()).unwrap_or(file).display().to_string()
}

/// A request followed through the code.
#[derive(Debug, PartialEq, Eq)]
struct Journey<'a> {
    title: &'a str,
    /// From the root of the workspace, in the order in which the request crosses them.
    files: Vec<&'a str>,
}

/// The journeys of the map: sections headed `### Journey: title`, with a numbered list that names one
/// file, from the root of the workspace, at the start of each of its lines.
fn journeys(map: &str) -> Vec<Journey<'_>> {
    let sections = map.split("\n### Journey: ").skip(1);
    let journey = |section| {
        let (title, text) = str::split_once(section, '\n').unwrap_or((section, ""));
        let text = text.split("\n#").next().unwrap_or_default();
        Journey { title, files: text.lines().filter_map(crossed).collect() }
    };
    sections.map(journey).collect()
}

// `12. `crates/api/src/error.rs`: what happens there`.
fn crossed(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once(". `")?;
    number.parse::<u32>().ok()?;
    rest.split_once('`').map(|(file, _)| file)
}

fn print_size(title: &str, sizes: &[Size]) {
    let mut lines: Vec<usize> = sizes.iter().map(|one| one.lines).collect();
    lines.sort_unstable();
    let all: usize = lines.iter().sum();
    let imports: usize = sizes.iter().map(|one| one.imports).sum();
    let in_large: usize = lines.iter().filter(|lines| **lines >= LARGE_LINES).sum();
    println!(
        "{title}: {} files, {all} lines; median {}, p90 {}, largest {}; {} of the lines in files of {LARGE_LINES} and more; {} imports",
        lines.len(),
        quantile(&lines, 50),
        quantile(&lines, 90),
        lines.last().copied().unwrap_or_default(),
        percent(in_large, all),
        percent(imports, all),
    );
}

// The smallest value that `percent` of all do not exceed.
fn quantile(sorted: &[usize], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn percent(part: usize, all: usize) -> String {
    let tenths = (part * 1_000).checked_div(all).unwrap_or_default();
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A file of source.
#[derive(Debug)]
struct Source {
    // From the root of the workspace.
    file: PathBuf,
    text: String,
}

impl Source {
    fn is_production(&self) -> bool {
        let for_tests =
            |part: Component<'_>| NOT_PRODUCTION.iter().any(|name| part.as_os_str() == *name);
        !self.file.components().any(for_tests) && !self.file.ends_with("tests.rs")
    }
}

/// Lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    lines: usize,
    imports: usize,
}

impl Size {
    fn of(text: &str) -> Self {
        Self { lines: text.lines().count(), imports: import_lines(text) }
    }
}

fn sources() -> io::Result<Vec<Source>> {
    let root = workspace::root();
    let mut sources = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if !FOREIGN.iter().any(|name| path.ends_with(name)) {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(&root).unwrap_or(&path).to_owned();
                sources.push(Source { file, text: fs::read_to_string(path)? });
            }
        }
    }
    Ok(sources)
}

fn without_unit_tests(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {").map_or(text, |end| &text[..=end])
}

fn import_lines(text: &str) -> usize {
    let mut count = 0;
    let mut is_open = false;
    for line in text.lines().map(str::trim) {
        let starts = line.starts_with("use ") || line.starts_with("pub") && line.contains(" use ");
        if is_open || starts {
            count += 1;
            is_open = !line.ends_with(';');
        }
    }
    count
}

// A crate's `src` or `tests` of one file is as cargo has it.
fn folders_of_one(sources: &[Source]) -> usize {
    let mut files: BTreeMap<&Path, usize> = BTreeMap::new();
    for folder in sources.iter().filter_map(|one| one.file.parent()) {
        *files.entry(folder).or_default() += 1;
    }
    let holds_folders =
        |folder: &Path| files.keys().any(|other| *other != folder && other.starts_with(folder));
    files
        .iter()
        .filter(|(folder, count)| {
            let is_cargos =
                folder.ends_with("src") || folder.parent().is_some_and(|up| up.ends_with("tests"));
            **count == 1 && !is_cargos && !folder.ends_with("tests") && !holds_folders(folder)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn unit_tests_are_not_production() {
        let text = "use a::b;\n\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
        assert_eq!(Size::of(text), Size { lines: 8, imports: 2 });
        assert_eq!(Size::of(without_unit_tests(text)), Size { lines: 4, imports: 1 });
        let source = |file: &str| Source { file: file.into(), text: String::new() };
        assert!(source("crates/x/src/a.rs").is_production());
        for file in ["crates/x/tests/a.rs", "crates/x/src/a/tests.rs", "crates/x/src/testing/a.rs"]
        {
            assert!(!source(file).is_production(), "{file}");
        }
    }

    #[test]
    fn the_files_of_a_journey_are_the_starts_of_its_numbered_lines() {
        let map = "# A map\n### Journey: send\n1. `a.rs`: calls `b.rs`\n   and more\n2. `b.rs`\n## Else\n1. `c.rs`\n";
        assert_eq!(journeys(map), [Journey { title: "send", files: vec!["a.rs", "b.rs"] }]);
    }

    #[test]
    fn the_files_of_every_journey_exist_and_are_counted_once() {
        let map = fs::read_to_string(workspace::root().join(MAP)).expect("a map");
        let journeys = journeys(&map);
        let titles: Vec<&str> = journeys.iter().map(|journey| journey.title).collect();
        assert_eq!(titles, ["send a message over Socket.IO", "mark as read"]);
        for Journey { title, files } in journeys {
            assert!(files.len() > 10, "{title}: {} files", files.len());
            let mut seen = BTreeSet::new();
            for file in files {
                assert!(workspace::root().join(file).is_file(), "{title}: {file} does not exist");
                assert!(seen.insert(file), "{title}: {file} is listed twice");
            }
        }
    }

    #[test]
    fn an_import_counts_with_all_its_lines() {
        assert_eq!(
            import_lines("use std::{\n    env,\n    fs,\n};\npub(crate) use a::b;\nfn f() {}\n"),
            5
        );
    }

    #[test]
    fn quantiles_are_values_that_occur() {
        assert_eq!(quantile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90), 9);
        assert_eq!(quantile(&[1, 2, 3], 50), 2);
        assert_eq!(quantile(&[], 50), 0);
    }

    #[test]
    fn a_share_has_one_decimal() {
        assert_eq!(percent(107, 1_000), "10.7 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }
}
