//! The files in the guide.

use std::{collections::BTreeMap, fs};

use testkit::Fault;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/frontend.md");

/// What stands in each file, by its name.
pub(crate) type Files = BTreeMap<String, String>;

/// Every file of the guide.
pub(crate) fn files() -> Result<Files, Fault> {
    files_in(&fs::read_to_string(GUIDE).map_err(Fault::while_doing("read the guide"))?)
}

/// A block of code is a file, and its first line is the name of it.
fn files_in(guide: &str) -> Result<Files, Fault> {
    let mut files = Files::new();
    let mut lines = guide.lines();
    while lines.any(|line| line.starts_with("```")) {
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        let name = block.first().and_then(|line| name_in(line));
        let name = name.ok_or_else(|| Fault::new(format!("a block without a name: {block:?}")))?;
        if files.insert(name.to_owned(), block[1..].join("\n")).is_some() {
            return Err(Fault::new(format!("{name} stands there twice")));
        }
    }
    Ok(files)
}

fn name_in(line: &str) -> Option<&str> {
    let html = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
    let name = html.or_else(|| line.strip_prefix("// "))?;
    let is_name = !name.contains([' ', '/']) && name.contains('.');
    is_name.then_some(name)
}

#[test]
fn a_block_is_a_file_and_bears_its_name() {
    let guide = "# A\n```html\n<!-- a.html -->\n<p>\n```\nAnd\n```js\n// b.js\nf();\n\ng();\n```\n";
    let files = files_in(guide).expect("two files");
    let expected = [("a.html", "<p>"), ("b.js", "f();\n\ng();")];
    assert_eq!(files, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
}

#[test]
fn a_block_without_a_name_or_with_a_name_of_another_is_a_fault() {
    assert!(files_in("```js\nf();\n```").is_err());
    assert!(files_in("```js\n// a.js\n```\n```js\n// a.js\n```").is_err());
}

#[test]
fn the_guide_counts_its_files() {
    let files = files().expect("the guide is sound");
    assert_eq!(files.len(), 6, "the first sentence says six: {:?}", files.keys());
}
