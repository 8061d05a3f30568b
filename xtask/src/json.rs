//! Just enough JSON to read what our own programs and npm packages write (RFC 8259).

use std::{iter::Peekable, str::Chars};

/// A JSON value. Numbers, booleans and null are kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// Text, unescaped.
    Text(String),
    /// Name and value, in order.
    Object(Vec<(String, Json)>),
    /// Values, in order.
    Array(Vec<Json>),
    /// Anything else.
    Bare(String),
}

impl Json {
    /// Reads one value, which must be all there is. `None` when it is not JSON.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.chars().peekable());
        let value = reader.value(MAX_DEPTH)?;
        reader.skip_space();
        reader.0.next().is_none().then_some(value)
    }

    /// The value found by following `path` through objects.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        match (self, path) {
            (found, []) => Some(found),
            (Self::Object(fields), [name, rest @ ..]) => {
                let (_, value) = fields.iter().find(|(key, _)| key == name)?;
                value.at(rest)
            }
            _ => None,
        }
    }

    /// The text at `path`; `None` when something else is there, or nothing.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The values of an array; empty for anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }
}

/// How many values may stand inside one another.
const MAX_DEPTH: u8 = 64;

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn skip_space(&mut self) {
        while self.0.next_if(char::is_ascii_whitespace).is_some() {}
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.skip_space();
        self.0.next_if_eq(&wanted).map(drop)
    }

    fn value(&mut self, depth: u8) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        self.skip_space();
        match self.0.peek()? {
            '"' => self.text().map(Json::Text),
            '{' => self.object(depth),
            '[' => self.array(depth),
            _ => self.bare(),
        }
    }

    fn object(&mut self, depth: u8) -> Option<Json> {
        let mut fields = Vec::new();
        self.take('{')?;
        if self.take('}').is_some() {
            return Some(Json::Object(fields));
        }
        loop {
            self.skip_space();
            let name = self.text()?;
            self.take(':')?;
            fields.push((name, self.value(depth)?));
            if self.take(',').is_none() {
                return self.take('}').map(|()| Json::Object(fields));
            }
        }
    }

    fn array(&mut self, depth: u8) -> Option<Json> {
        let mut items = Vec::new();
        self.take('[')?;
        if self.take(']').is_some() {
            return Some(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.take(',').is_none() {
                return self.take(']').map(|()| Json::Array(items));
            }
        }
    }

    fn bare(&mut self) -> Option<Json> {
        let mut word = String::new();
        while let Some(c) = self.0.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            word.push(c);
        }
        (!word.is_empty()).then_some(Json::Bare(word))
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        self.0.next_if_eq(&'"')?;
        loop {
            match self.0.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    // Escaped surrogate pairs are refused: nothing we read has them.
    fn escape(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let digits: String = self.0.by_ref().take(4).collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            c @ ('"' | '\\' | '/') => c,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_path() {
        let json = Json::parse(r#" {"n": -1.5e3, "a": {"token": "x\"\u00e9\n"}, "e": {}} "#);
        let json = json.expect("valid");
        assert_eq!(json.text_at(&["a", "token"]), Some("x\"é\n"));
        assert_eq!(json.text_at(&["n"]), None);
        assert_eq!(json.text_at(&["a"]), None);
    }

    #[test]
    fn arrays_have_items() {
        let json = Json::parse(r#"[{"source":"a"},{"source":"b"}]"#).expect("valid");
        let sources: Vec<_> = json.items().iter().map(|i| i.text_at(&["source"])).collect();
        assert_eq!(sources, [Some("a"), Some("b")]);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", "{", "[1,]", "{\"a\"}", "\"a", "1 2", r#""\x""#] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
        assert_eq!(Json::parse(&"[".repeat(10_000)), None);
    }
}
