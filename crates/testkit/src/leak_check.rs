//! Searches everything the service stores for a word, ignoring case: erased data must not be found.

use std::{collections::BTreeSet, path::Path};

use crate::{Fault, backup::files_below, database};

/// Every column of every table that is not PostgreSQL's own.
const COLUMNS: &str = "
SELECT format('%I.%I', c.table_schema, c.table_name), quote_ident(c.column_name),
    c.table_name || '.' || c.column_name
FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')";

/// The columns, as `table.column`, that contain a word, as text or as hexadecimal bytes.
///
/// # Errors
/// When a query fails.
pub async fn columns_with(url: &str, word: &str) -> Result<BTreeSet<String>, Fault> {
    let client = database::connect(url).await?;
    let columns = client.query(COLUMNS, &[]).await;
    let columns = columns.map_err(Fault::while_doing("list the columns"))?;
    let mut found = BTreeSet::new();
    for row in &columns {
        let (table, column, name): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let sql = format!(
            "SELECT EXISTS (SELECT FROM {table} WHERE strpos(lower({column}::text), lower($1)) > 0
                OR strpos({column}::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0)"
        );
        let found_word = client.query_one(&sql, &[&word]).await;
        if found_word.map_err(Fault::while_doing(format!("search {name}")))?.get(0) {
            found.insert(name);
        }
    }
    Ok(found)
}

/// The files below a folder whose names or contents contain a word.
///
/// # Errors
/// When one cannot be read.
pub fn files_with(folder: &Path, word: &[u8]) -> Result<Vec<String>, Fault> {
    let files = files_below(folder)?.into_iter();
    let found =
        files.filter(|(name, bytes)| contains(name.as_bytes(), word) || contains(bytes, word));
    Ok(found.map(|(name, _)| name).collect())
}

/// Whether these bytes contain a word, ignoring ASCII case.
pub fn contains(bytes: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else { return true };
    let starts = |(_, byte): &(usize, &u8)| byte.eq_ignore_ascii_case(first);
    let continues = |(at, _): (usize, &u8)| {
        bytes.get(at + 1..=at + rest.len()).is_some_and(|next| next.eq_ignore_ascii_case(rest))
    };
    bytes.iter().enumerate().filter(starts).any(continues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_wherever_it_stands_and_however_it_is_written() {
        for text in ["zoe", "ZOE went", "went Zoe", "zzoe", "zo zoe"] {
            assert!(contains(text.as_bytes(), b"zoe"), "{text}");
        }
        for text in ["", "z", "zo", "zo e", "eoz"] {
            assert!(!contains(text.as_bytes(), b"zoe"), "{text}");
        }
    }
}
