//! The list of licences in `deny.toml`.

/// The texts of `allow = [ … ]` in the section `[licenses]`. `None` when there is no such list.
pub(super) fn in_policy(policy: &str) -> Option<Vec<String>> {
    let lines: Vec<&str> = policy.lines().map(without_comment).collect();
    let start = lines.iter().position(|line| *line == "[licenses]")?;
    let section = lines[start + 1..].iter().take_while(|line| !line.starts_with('['));
    let section = section.copied().collect::<Vec<_>>().join("\n");
    let (_, list) = section.split_once("allow = [")?;
    let (list, _) = list.split_once(']')?;
    // Between quotes, every second piece.
    Some(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_its_own_section_is_read() {
        let policy = "[bans]\nallow = [\"x\"]\n\n[licenses] # ours\nallow = [\n  \"MIT\", # \"GPL\"\n  \"Zlib\",\n]\n[x]\n";
        assert_eq!(in_policy(policy), Some(vec!["MIT".into(), "Zlib".into()]));
    }

    #[test]
    fn no_list_is_not_an_empty_one() {
        assert_eq!(in_policy("[licenses]\nconfidence = 1\n[bans]\nallow = []\n"), None);
    }
}
