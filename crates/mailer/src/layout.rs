//! The two forms of a mail. Both have one template for all languages.

use askama::Template;

use crate::page::Page;

/// For people whose programs show HTML. Everything that is filled in is escaped.
#[derive(Template)]
#[template(path = "letter.html")]
pub(crate) struct Html<'a> {
    pub(crate) page: &'a Page,
}

/// For everybody else. What people wrote stands behind `> `, so that it cannot pass for our words.
#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
pub(crate) struct Text<'a> {
    pub(crate) page: &'a Page,
}
