//! What the guides refer to exists: the pages that they link to, the tests that keep a decision true.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use xtask::workspace;

/// Every file below `folder` with this ending, what was built or fetched left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).expect("a folder that can be listed");
    let paths = listed.map(|entry| entry.expect("an entry").path());
    let mut found = vec![];
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "node_modules" | ".git") {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|its| its == ending) {
            found.push(path);
        }
    }
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a text")
}

/// Where the links of a page lead within the workspace: a path, and a heading there. An empty path is
/// the page itself.
fn links(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let targets = page.match_indices("](").filter_map(|(at, mark)| {
        let target = page[at + mark.len()..].split(')').next()?;
        Some(target.split_once('#').unwrap_or((target, "")))
    });
    targets.filter(|(path, _)| !path.contains("://"))
}

/// A heading as links name it.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn no_link_leads_nowhere() {
    let mut followed = 0;
    for page in files(&workspace::root(), "md") {
        let folder = page.parent().expect("it lies somewhere");
        for (path, heading) in links(&text(&page)) {
            let target = if path.is_empty() { page.clone() } else { folder.join(path) };
            assert!(target.exists(), "{}: {path}", page.display());
            let is_there = |target: &Path| {
                let shown = text(target);
                let mut headings = shown.lines().filter(|line| line.starts_with('#'));
                headings.any(|line| anchor(line) == heading)
            };
            let leads = heading.is_empty() || is_there(&target);
            assert!(leads, "{}: {path}#{heading}", page.display());
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed} links were found");
}

#[test]
fn a_decision_is_kept_by_tests_that_exist() {
    let sources: Vec<String> =
        files(&workspace::root(), "rs").iter().map(|path| text(path)).collect();
    let mut kept = 0;
    for decision in files(&workspace::root().join("docs/adr"), "md") {
        let page = text(&decision);
        let Some((_, proof)) = page.split_once("Kept honest by") else { continue };
        // What stands between backticks and is a sentence, and no path.
        let is_sentence = |name: &&str| {
            let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            name.matches('_').count() > 1 && name.bytes().all(|it| letters(it) || it == b'_')
        };
        for name in proof.split('`').skip(1).step_by(2).filter(is_sentence) {
            let test = format!("fn {name}(");
            let exists = sources.iter().any(|source| source.contains(&test));
            assert!(exists, "{}: {name}", decision.display());
            kept += 1;
        }
    }
    assert!(kept > 20, "{kept} tests are named");
}

#[test]
fn the_index_names_every_decision_by_its_title() {
    let folder = workspace::root().join("docs/adr");
    let index = text(&folder.join("README.md"));
    let mut listed = BTreeSet::new();
    for decision in files(&folder, "md") {
        let name = decision.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let page = text(&decision);
        let Some((number, title)) = page.lines().next().and_then(|line| line.split_once(". "))
        else {
            assert_eq!(name, "README.md");
            continue;
        };
        let number = number.trim_start_matches("# ");
        assert!(index.contains(&format!("| [{number}]({name}) | {title} |")), "{name}: {title}");
        assert!(listed.insert(number.to_owned()), "two decisions are number {number}");
    }
    assert!(listed.len() > 15);
}
