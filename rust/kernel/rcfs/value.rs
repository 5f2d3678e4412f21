// SPDX-License-Identifier: GPL-2.0

//! The contents of control files: printing and parsing.

use crate::{
    bindings,
    cpumask::{
        Cpumask,
        CpumaskVar, //
    },
    error::to_result,
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    str::CString,
};
use core::{
    num::IntErrorKind,
    ptr,
    str::FromStr, //
};

/// Removes white space at both ends of what was written to a file.
///
/// Removes NUL bytes at the end first: a program may write a C string with its terminator, as files
/// of control groups accept.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::trim;
///
/// assert_eq!(trim(b" 42\n"), b"42");
/// assert_eq!(trim(b"42\n\0"), b"42");
/// assert_eq!(trim(b"\0"), b"");
/// assert_eq!(trim(b"4\x002"), b"4\x002");
/// ```
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., 0] = text {
        text = rest;
    }
    text.trim_ascii()
}

/// A value that a file can show.
#[diagnostic::on_unimplemented(
    message = "a file cannot show a value of the type `{Self}`",
    label = "this has to be a number, a `bool`, a `Limit`, a `CpuList` or a `Keyword`",
    note = "implement `rcfs::Show` for the type, or print the text with `File::seq`"
)]
pub trait Show {
    /// Prints the value and a newline.
    fn show(&self, m: &SeqFile);
}

/// A value that can be written to a file.
#[diagnostic::on_unimplemented(
    message = "a value of the type `{Self}` cannot be written to a file",
    label = "this has to be a number, a `bool`, a `Limit`, a `CpuList` or a `Keyword`",
    note = "implement `rcfs::Parse` for the type, or take the text with `File::text`"
)]
pub trait Parse: Sized {
    /// Parses `text`, which has no white space at its ends.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `text` is no such value, `ERANGE` if the value is too large or too small.
    fn parse(text: &[u8]) -> Result<Self>;
}

/// Parses a decimal number. `digits` is `text` without its sign.
fn parse_number<T>(text: &[u8], digits: &[u8]) -> Result<T>
where
    T: FromStr<Err = core::num::ParseIntError>,
{
    // Rust would accept other forms as well, such as a plus sign.
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(EINVAL);
    }
    core::str::from_utf8(text)
        .map_err(|_| EINVAL)?
        .parse::<T>()
        .map_err(|e| match e.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => ERANGE,
            _ => EINVAL,
        })
}

/// A decimal number.
impl Show for u64 {
    fn show(&self, m: &SeqFile) {
        seq_print!(m, "{self}\n");
    }
}

/// A decimal number.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::Parse;
///
/// assert_eq!(u64::parse(b"42"), Ok(42));
/// assert_eq!(u64::parse(b"-1"), Err(EINVAL));
/// assert_eq!(u64::parse(b"0x1"), Err(EINVAL));
/// assert_eq!(u64::parse(b""), Err(EINVAL));
/// assert_eq!(u64::parse(b"18446744073709551616"), Err(ERANGE));
/// ```
impl Parse for u64 {
    fn parse(text: &[u8]) -> Result<Self> {
        parse_number(text, text)
    }
}

/// A decimal number.
impl Show for i64 {
    fn show(&self, m: &SeqFile) {
        seq_print!(m, "{self}\n");
    }
}

/// A decimal number, with an optional minus sign.
impl Parse for i64 {
    fn parse(text: &[u8]) -> Result<Self> {
        parse_number(text, text.strip_prefix(b"-").unwrap_or(text))
    }
}

/// 0 or 1.
impl Show for bool {
    fn show(&self, m: &SeqFile) {
        seq_print!(m, "{}\n", u8::from(*self));
    }
}

/// 0 or 1.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::Parse;
///
/// assert_eq!(bool::parse(b"1"), Ok(true));
/// assert_eq!(bool::parse(b"2"), Err(ERANGE));
/// assert_eq!(bool::parse(b"yes"), Err(EINVAL));
/// ```
impl Parse for bool {
    fn parse(text: &[u8]) -> Result<Self> {
        match u64::parse(text)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ERANGE),
        }
    }
}

/// A limit: `max`, or a decimal number.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::{Limit, Parse};
///
/// assert_eq!(Limit::parse(b"max"), Ok(Limit::Max));
/// assert_eq!(Limit::parse(b"7"), Ok(Limit::Number(7)));
/// assert_eq!(Limit::parse(b"maximum"), Err(EINVAL));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// There is no limit.
    Max,
    /// This is the limit.
    Number(u64),
}

impl Show for Limit {
    fn show(&self, m: &SeqFile) {
        match self {
            Limit::Max => seq_print!(m, "max\n"),
            Limit::Number(number) => number.show(m),
        }
    }
}

impl Parse for Limit {
    fn parse(text: &[u8]) -> Result<Self> {
        if text == b"max" {
            return Ok(Limit::Max);
        }
        u64::parse(text).map(Limit::Number)
    }
}

/// A choice of words.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::{Keyword, Parse};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Light {
///     Red,
///     Green,
/// }
///
/// impl Keyword for Light {
///     const WORDS: &'static [(&'static str, Self)] =
///         &[("red", Light::Red), ("green", Light::Green)];
/// }
///
/// assert_eq!(Light::parse(b"green"), Ok(Light::Green));
/// assert_eq!(Light::parse(b"blue"), Err(EINVAL));
/// ```
pub trait Keyword: Copy + PartialEq + 'static {
    /// The words and their values.
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Keyword> Show for T {
    fn show(&self, m: &SeqFile) {
        if let Some((word, _)) = T::WORDS.iter().find(|(_, value)| value == self) {
            seq_print!(m, "{word}\n");
        }
    }
}

impl<T: Keyword> Parse for T {
    fn parse(text: &[u8]) -> Result<Self> {
        T::WORDS
            .iter()
            .find(|(word, _)| word.as_bytes() == text)
            .map(|&(_, value)| value)
            .ok_or(EINVAL)
    }
}

/// A set of CPUs as a list of numbers and ranges, such as `0-3,5`. The list may be empty.
///
/// # Examples
///
/// ```
/// use kernel::rcfs::{CpuList, Parse};
///
/// assert!(CpuList::parse(b"")?.mask().empty());
/// assert_eq!(CpuList::parse(b"0")?.mask().weight(), 1);
/// assert!(CpuList::parse(b"0,,x").is_err_and(|e| e == EINVAL));
/// assert!(CpuList::parse(b"1-0").is_err_and(|e| e == EINVAL));
/// assert!(CpuList::parse(b"4000000").is_err_and(|e| e == ERANGE));
/// # Ok::<(), Error>(())
/// ```
pub struct CpuList(CpumaskVar);

impl CpuList {
    /// The list for a set.
    pub fn new(mask: CpumaskVar) -> Self {
        Self(mask)
    }

    /// The set.
    pub fn mask(&self) -> &Cpumask {
        &self.0
    }
}

impl Show for CpuList {
    fn show(&self, m: &SeqFile) {
        // SAFETY: `SeqFile` is a transparent wrapper, and the mask is valid.
        unsafe {
            bindings::seq_print_cpulist(ptr::from_ref(m).cast_mut().cast(), self.0.as_raw());
        }
    }
}

impl Parse for CpuList {
    fn parse(text: &[u8]) -> Result<Self> {
        let mask = CpumaskVar::new_zero(GFP_KERNEL)?;
        let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
        // A NUL byte in the text, which C code would take for the end, is EINVAL.
        let text = CString::try_from_fmt(fmt!("{text}"))?;

        // SAFETY: The string and the mask are valid.
        to_result(unsafe { bindings::possible_cpulist_parse(text.as_char_ptr(), mask.as_raw()) })
            .map_err(|e| if e == EOVERFLOW { ERANGE } else { e })?;
        Ok(Self(mask))
    }
}
