// SPDX-License-Identifier: GPL-2.0

//! The arguments of a subcommand: options, with or without a value, and other words.

use crate::error::{
    Error,
    Result, //
};
use std::{
    collections::VecDeque,
    ffi::OsString,
    os::unix::ffi::{
        OsStrExt,
        OsStringExt, //
    },
    str::FromStr,
    time::Duration,
};

/// The longest time that an option accepts: more than 30 years. Adding it to the present does not
/// overflow.
const MOST_SECONDS: f64 = 1e9;

/// The next argument
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    /// With its dashes: `-n` or `--name`
    Option(String),
    Word(OsString),
}

/// The remaining arguments
pub(crate) struct Args {
    words: VecDeque<OsString>,
    /// The rest of a word like `-rf` or `--name=x`, and whether it can only be a value
    rest: Option<(Vec<u8>, bool)>,
    /// Behind `--`
    only_words: bool,
    /// The last option, for messages
    option: String,
}

impl Args {
    pub(crate) fn new(words: Vec<OsString>) -> Self {
        Self {
            words: words.into(),
            rest: None,
            only_words: false,
            option: String::new(),
        }
    }

    /// Whether one of the words asks for help, before a `--`.
    pub(crate) fn ask_for_help(&self) -> bool {
        self.words
            .iter()
            .take_while(|word| *word != "--")
            .any(|word| word == "--help" || word == "-h")
    }

    /// Whether the first word asks for help.
    pub(crate) fn begin_with_help(&self) -> bool {
        self.words
            .front()
            .is_some_and(|word| word == "--help" || word == "-h")
    }

    pub(crate) fn next(&mut self) -> Result<Option<Arg>> {
        match self.rest.take() {
            Some((rest, false)) => return self.short(rest).map(Some),
            Some((_, true)) => {
                return Err(Error::usage(
                    format!("{} takes no value", self.option),
                    "omit the equals sign and the value",
                ))
            }
            None => {}
        }
        let Some(word) = self.words.pop_front() else {
            return Ok(None);
        };
        let bytes = word.as_bytes();

        if self.only_words || bytes == b"-" || !bytes.starts_with(b"-") {
            return Ok(Some(Arg::Word(word)));
        }
        if bytes == b"--" {
            self.only_words = true;
            return self.next();
        }
        if bytes.starts_with(b"--") {
            let mut parts = bytes.splitn(2, |byte| *byte == b'=');

            self.option = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            self.rest = parts.next().map(|value| (value.to_vec(), true));
            return Ok(Some(Arg::Option(self.option.clone())));
        }
        self.short(bytes[1..].to_vec()).map(Some)
    }

    /// The first option of a group like `-rf`
    fn short(&mut self, mut letters: Vec<u8>) -> Result<Arg> {
        if !letters[0].is_ascii() {
            return Err(Error::usage(
                format!("there is no option -{}", String::from_utf8_lossy(&letters)),
                "--help lists them",
            ));
        }
        let letter = letters.remove(0);

        self.option = format!("-{}", char::from(letter));
        self.rest = (!letters.is_empty()).then_some((letters, false));
        Ok(Arg::Option(self.option.clone()))
    }

    /// The value of the present option
    pub(crate) fn value(&mut self) -> Result<OsString> {
        let attached = self.rest.take().map(|(rest, _)| OsString::from_vec(rest));

        attached.or_else(|| self.words.pop_front()).ok_or_else(|| {
            Error::usage(
                format!("{} needs a value", self.option),
                "--help describes it",
            )
        })
    }

    /// The same as text
    pub(crate) fn text(&mut self) -> Result<String> {
        let value = self.value()?;

        value.into_string().map_err(|value| {
            Error::usage(
                format!("{}: {value:?} is not valid UTF-8", self.option),
                "correct it",
            )
        })
    }

    /// The same as a number
    pub(crate) fn number<T: FromStr>(&mut self) -> Result<T> {
        let text = self.text()?;

        text.parse().map_err(|_| {
            Error::usage(
                format!("{} needs a number, not {text:?}", self.option),
                "--help describes it",
            )
        })
    }

    /// The same as seconds, with decimals
    pub(crate) fn seconds(&mut self) -> Result<Duration> {
        let text = self.text()?;

        text.parse()
            .ok()
            .filter(|seconds| *seconds <= MOST_SECONDS)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| {
                Error::usage(
                    format!("{} needs a number of seconds, not {text:?}", self.option),
                    format!("a number like 5 or 0.2, {MOST_SECONDS} at most"),
                )
            })
    }

    /// A word, or None
    pub(crate) fn next_word(&mut self) -> Result<Option<OsString>> {
        match self.next()? {
            None => Ok(None),
            Some(Arg::Word(word)) => Ok(Some(word)),
            Some(Arg::Option(name)) => Err(unknown(&name)),
        }
    }

    /// All remaining arguments, including options of the command, without a leading `--`
    pub(crate) fn into_command(mut self, first: Option<OsString>) -> Vec<OsString> {
        if first.is_none() && !self.only_words && self.words.front().is_some_and(|w| w == "--") {
            self.words.pop_front();
        }
        first.into_iter().chain(self.words).collect()
    }
}

pub(crate) fn unknown(option: &str) -> Error {
    Error::usage(
        format!("this subcommand has no option {option}"),
        "--help lists them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn args(words: &[&str]) -> Args {
        Args::new(words.iter().map(OsString::from).collect())
    }

    fn option(name: &str) -> Option<Arg> {
        Some(Arg::Option(name.into()))
    }

    fn word(word: &str) -> Option<Arg> {
        Some(Arg::Word(word.into()))
    }

    #[test]
    fn options_in_any_order() {
        let mut args = args(&["-rf", "a", "--json", "--", "-b", "--"]);

        assert_eq!(args.next().unwrap(), option("-r"));
        assert_eq!(args.next().unwrap(), option("-f"));
        assert_eq!(args.next().unwrap(), word("a"));
        assert_eq!(args.next().unwrap(), option("--json"));
        assert_eq!(args.next().unwrap(), word("-b"));
        assert_eq!(args.next().unwrap(), word("--"));
        assert_eq!(args.next().unwrap(), None);
    }

    #[test]
    fn values_in_three_ways() {
        let mut args = args(&["-n5", "--name=a=b", "-d", "0.5", "--name"]);

        args.next().unwrap();
        assert_eq!(args.number::<u32>().unwrap(), 5);
        args.next().unwrap();
        assert_eq!(args.text().unwrap(), "a=b");
        args.next().unwrap();
        assert_eq!(args.seconds().unwrap(), Duration::from_millis(500));
        args.next().unwrap();
        assert_eq!(args.value().unwrap_err().what, "--name needs a value");
    }

    #[test]
    fn a_value_too_many() {
        let mut args = args(&["--json=yes"]);

        assert_eq!(args.next().unwrap(), option("--json"));
        assert_eq!(args.next().unwrap_err().what, "--json takes no value");
    }

    #[test]
    fn wrong_numbers() {
        for (words, what) in [
            (["-n", "x"], "-n needs a number, not \"x\""),
            (["-n", "-1"], "-n needs a number, not \"-1\""),
        ] {
            let mut args = args(&words);

            args.next().unwrap();
            assert_eq!(args.number::<u32>().unwrap_err().what, what);
        }
        for seconds in ["-1", "nan", "inf", "1e30", "1e19", "1000000001", ""] {
            let mut args = args(&["-d", seconds]);

            args.next().unwrap();
            let error = args.seconds().unwrap_err();

            assert_eq!(
                error.what,
                format!("-d needs a number of seconds, not {seconds:?}")
            );
            assert!(error.remedy.unwrap().ends_with(", 1000000000 at most"));
        }
    }

    #[test]
    fn the_longest_time_has_an_end() {
        let mut args = args(&["-d", "1e9"]);

        args.next().unwrap();
        let longest = args.seconds().unwrap();

        assert_eq!(longest, Duration::from_secs(1_000_000_000));
        assert!(Instant::now().checked_add(longest).is_some());
    }

    #[test]
    fn the_rest_is_a_command() {
        let mut first = args(&["-l", "a=b", "sh", "-c", "--", "x"]);

        first.next().unwrap();
        first.value().unwrap();
        let Some(Arg::Word(name)) = first.next().unwrap() else {
            panic!();
        };
        assert_eq!(first.into_command(Some(name)), ["sh", "-c", "--", "x"]);
    }

    #[test]
    fn help_is_asked_for_before_two_dashes() {
        assert!(args(&["a", "--help"]).ask_for_help());
        assert!(!args(&["--", "--help"]).ask_for_help());
    }
}
