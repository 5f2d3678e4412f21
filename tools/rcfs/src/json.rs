// SPDX-License-Identifier: GPL-2.0

//! JSON output, for programs.

use std::{
    fmt::{
        self,
        Write, //
    },
    path::Path,
};

/// A value
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
    /// With names that are not known in advance
    Map(Vec<(String, Json)>),
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => write_text(f, text),
            Self::List(values) => {
                f.write_char('[')?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i > 0 { "," } else { "" })?;
                }
                f.write_char(']')
            }
            Self::Object(members) => {
                write_members(f, members.iter().map(|(name, value)| (*name, value)))
            }
            Self::Map(members) => write_members(
                f,
                members.iter().map(|(name, value)| (name.as_str(), value)),
            ),
        }
    }
}

fn write_members<'a>(
    f: &mut fmt::Formatter<'_>,
    members: impl Iterator<Item = (&'a str, &'a Json)>,
) -> fmt::Result {
    f.write_char('{')?;
    for (i, (name, value)) in members.enumerate() {
        f.write_str(if i > 0 { "," } else { "" })?;
        write_text(f, name)?;
        write!(f, ":{value}")?;
    }
    f.write_char('}')
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    /// No counter of the kernel is near the limit.
    fn from(value: u64) -> Self {
        Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<i32> for Json {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&Path> for Json {
    fn from(value: &Path) -> Self {
        Self::Text(value.to_string_lossy().into_owned())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&[String]> for Json {
    fn from(values: &[String]) -> Self {
        Self::List(values.iter().map(|value| value.as_str().into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds() {
        let value = Json::Object(vec![
            ("null", Json::from(None::<u64>)),
            ("bool", true.into()),
            ("number", 5u64.into()),
            ("negative", Json::from(-1)),
            ("list", Json::List(vec![1.into(), Json::List(vec![])])),
            (
                "map",
                Json::Map(vec![("pids.max".to_owned(), "max".into())]),
            ),
        ]);

        assert_eq!(
            value.to_string(),
            concat!(
                r#"{"null":null,"bool":true,"number":5,"negative":-1,"list":[1,[]],"#,
                r#""map":{"pids.max":"max"}}"#
            )
        );
    }

    #[test]
    fn characters_that_are_written_otherwise() {
        assert_eq!(
            Json::from("a\"b\\c\nd\te\x1bf\u{7f}ä").to_string(),
            r#""a\"b\\c\nd\te\u001bf\u007fä""#
        );
    }

    #[test]
    fn no_number_wraps() {
        assert_eq!(Json::from(u64::MAX).to_string(), "9223372036854775807");
    }
}
