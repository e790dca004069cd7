//! Quantities as Kubernetes writes them (`100m`, `1.5`, `2Gi`, `1e3`), exact.
//!
//! A quantity is a whole number of billionths in 128 bits: no rounding, no floating point, and an error instead of an overflow.
//! Source of the grammar: k8s.io/apimachinery, pkg/api/resource.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde_json::Value;

/// Billionths in one; `n` is the smallest suffix.
const NANOS: i128 = 1_000_000_000;

/// The suffixes of powers of ten that are written, largest first, each with its worth in billionths.
const DECIMAL: [(&str, i128); 10] = [
    ("E", 1_000_000_000_000_000_000 * NANOS),
    ("P", 1_000_000_000_000_000 * NANOS),
    ("T", 1_000_000_000_000 * NANOS),
    ("G", 1_000_000_000 * NANOS),
    ("M", 1_000_000 * NANOS),
    ("k", 1_000 * NANOS),
    ("", NANOS),
    ("m", 1_000_000),
    ("u", 1_000),
    ("n", 1),
];

/// The suffixes of powers of 1024, largest first.
const BINARY: [(&str, i128); 6] = [
    ("Ei", (1 << 60) * NANOS),
    ("Pi", (1 << 50) * NANOS),
    ("Ti", (1 << 40) * NANOS),
    ("Gi", (1 << 30) * NANOS),
    ("Mi", (1 << 20) * NANOS),
    ("Ki", (1 << 10) * NANOS),
];

/// What a text that is no quantity is refused with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text has another form.
    #[error("`{0}` is not a quantity")]
    Malformed(String),
    /// The number does not fit.
    #[error("`{0}` is too large for a quantity")]
    TooLarge(String),
    /// A negative one where none is allowed.
    #[error("`{0}` is negative")]
    Negative(String),
    /// A sum, a difference or a product does not fit.
    #[error("failed to add up quantities: the result is too large")]
    Overflow,
}

/// An exact amount. Two quantities are equal when they are the same amount, however they are written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    nanos: i128,
    /// Written with powers of 1024; says nothing about the amount.
    binary: bool,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity { nanos: 0, binary: false };

    /// Returns a whole number.
    pub const fn whole(number: u64) -> Self {
        Self { nanos: number as i128 * NANOS, binary: false }
    }

    /// Reads the text of a quantity: at most 60 characters, rounded up below one billionth as Kubernetes does.
    ///
    /// # Errors
    ///
    /// A text of another form, or a number of 2⁹⁶ and more.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let malformed = || QuantityError::Malformed(text.to_owned());
        if text.len() > 60 {
            return Err(malformed());
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.bytes().position(|b| !b.is_ascii_digit() && b != b'.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(malformed());
        }
        let (unit, binary) = unit(suffix).ok_or_else(malformed)?;
        let nanos = scaled(whole, fraction, unit).ok_or_else(|| QuantityError::TooLarge(text.to_owned()))?;
        Ok(Self { nanos: if negative { -nanos } else { nanos }, binary })
    }

    /// Reads a quantity that must not be below zero.
    ///
    /// # Errors
    ///
    /// As [`Quantity::parse`], and a negative one.
    pub fn parse_non_negative(text: &str) -> Result<Self, QuantityError> {
        match Self::parse(text)? {
            quantity if quantity.nanos < 0 => Err(QuantityError::Negative(text.to_owned())),
            quantity => Ok(quantity),
        }
    }

    /// Reads a quantity from a field of an object: a text or a number.
    ///
    /// # Errors
    ///
    /// As [`Quantity::parse`]; any other type of value is malformed.
    pub fn of(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => match number.as_u64() {
                Some(number) => Ok(Self::whole(number)),
                None => Self::parse(&number.to_string()),
            },
            other => Err(QuantityError::Malformed(other.to_string())),
        }
    }

    /// Returns the amount in billionths.
    pub const fn nanos(self) -> i128 {
        self.nanos
    }

    /// Returns whether there is nothing.
    pub const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Returns the sum, written like the first of the two that is not zero.
    ///
    /// # Errors
    ///
    /// The sum is too large.
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        let nanos = self.nanos.checked_add(other.nanos).ok_or(QuantityError::Overflow)?;
        Ok(Self { nanos, binary: if self.is_zero() { other.binary } else { self.binary } })
    }

    /// Returns the difference.
    ///
    /// # Errors
    ///
    /// The difference is too large.
    pub fn checked_sub(self, other: Self) -> Result<Self, QuantityError> {
        let nanos = self.nanos.checked_sub(other.nanos).ok_or(QuantityError::Overflow)?;
        Ok(Self { nanos, binary: self.binary || other.binary })
    }

    /// Returns so many times the amount.
    ///
    /// # Errors
    ///
    /// The product is too large.
    pub fn checked_mul(self, times: u64) -> Result<Self, QuantityError> {
        let nanos = self.nanos.checked_mul(i128::from(times)).ok_or(QuantityError::Overflow)?;
        Ok(Self { nanos, binary: self.binary })
    }
}

/// Returns the worth of a suffix as (numerator, denominator) over billionths, and whether it is one of 1024.
fn unit(suffix: &str) -> Option<((i128, i128), bool)> {
    if let Some((_, worth)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some(((*worth, 1), true));
    }
    if let Some((_, worth)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some(((*worth, 1), false));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    // A sign without digits is no exponent, and 99 is more than 128 bits hold.
    if digits.is_empty() || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let power = exponent.parse::<i32>().ok()? + 9;
    let ten = |power: u32| 10_i128.checked_pow(power).unwrap_or(i128::MAX);
    Some((if power >= 0 { (ten(power.unsigned_abs()), 1) } else { (1, ten(power.unsigned_abs())) }, false))
}

fn scaled(whole: &str, fraction: &str, (up, down): (i128, i128)) -> Option<i128> {
    /// Far below the limit of 128 bits, so that thousands of the largest quantities still add up.
    const LIMIT: i128 = NANOS << 96;
    let mut total: i128 = 0;
    for digit in whole.bytes() {
        total = total.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    total = total.checked_mul(up)?;
    let mut rest = false;
    let mut place = up;
    for (index, digit) in fraction.bytes().map(|b| i128::from(b - b'0')).enumerate() {
        if place % 10 == 0 {
            place /= 10;
            total = total.checked_add(place.checked_mul(digit)?)?;
        } else {
            // Powers of 1024 and of ten below one billionth: the rest as one fraction, rounded up.
            let tail = fraction[index..].trim_end_matches('0');
            let scale = u32::try_from(tail.len()).ok().and_then(|len| 10_i128.checked_pow(len))?;
            let product = tail.bytes().try_fold(0_i128, |n, b| n.checked_mul(10)?.checked_add(i128::from(b - b'0')))?;
            let product = product.checked_mul(place)?;
            total = total.checked_add(product / scale)?;
            rest = product % scale != 0;
            break;
        }
    }
    let rounded = total / down + i128::from(rest || total % down != 0);
    (rounded <= LIMIT).then_some(rounded)
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }
}

/// The canonical form: no fraction, the largest suffix that needs none (`1500m`, `2Gi`, `1536Mi`).
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let fits = |table: &'static [(&'static str, i128)]| table.iter().find(|(_, worth)| self.nanos % worth == 0);
        let binary = if self.binary { fits(&BINARY) } else { None };
        match binary.or_else(|| fits(&DECIMAL)) {
            Some((suffix, worth)) => write!(f, "{}{suffix}", self.nanos / worth),
            None => write!(f, "{}n", self.nanos),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn texts_are_read_exactly() {
        for (text, nanos) in [
            ("0", 0),
            ("100m", 100_000_000),
            ("1.5", 1_500_000_000),
            (".5", 500_000_000),
            ("5.", 5_000_000_000),
            ("2Gi", (2 << 30) * NANOS),
            ("0.5Gi", (1 << 29) * NANOS),
            ("1.1Ki", 1_126_400_000_000),
            ("500G", 500_000_000_000 * NANOS),
            ("1e3", 1_000 * NANOS),
            ("1E3", 1_000 * NANOS),
            ("1E", 1_000_000_000_000_000_000 * NANOS),
            ("12e-3", 12_000_000),
            ("-1", -NANOS),
            ("+1", NANOS),
            ("1u", 1_000),
        ] {
            assert_eq!(quantity(text).nanos(), nanos, "{text}");
        }
    }

    #[test]
    fn less_than_a_billionth_is_rounded_up() {
        assert_eq!(quantity("0.1n").nanos(), 1);
        assert_eq!(quantity("1e-10").nanos(), 1);
        assert_eq!(quantity("1.0000000001").nanos(), NANOS + 1);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", " ", "1 Gi", "1gi", "1KB", "1Mb", "1K", "Gi", "-", ".", "1.2.3", "1e", "1e+", "1e400", "0x10", "1m2",
            "１", "--1", "1GiB",
        ] {
            assert!(matches!(Quantity::parse(text), Err(QuantityError::Malformed(_))), "{text}");
        }
        assert!(matches!(Quantity::parse(&"9".repeat(40)), Err(QuantityError::TooLarge(_))));
        assert!(matches!(Quantity::parse("99999999999999Ei"), Err(QuantityError::TooLarge(_))));
        assert!(matches!(Quantity::parse(&"9".repeat(90)), Err(QuantityError::Malformed(_))));
        assert!(matches!(Quantity::parse_non_negative("-1"), Err(QuantityError::Negative(_))));
        assert!(Quantity::of(&json!(true)).is_err());
    }

    #[test]
    fn numbers_are_quantities() {
        assert_eq!(Quantity::of(&json!(2)).unwrap(), quantity("2"));
        assert_eq!(Quantity::of(&json!(0.5)).unwrap(), quantity("500m"));
        assert_eq!(Quantity::of(&json!("500m")).unwrap(), quantity("0.5"));
    }

    #[test]
    fn the_canonical_form_has_no_fraction() {
        for (text, canonical) in [
            ("1.5", "1500m"),
            ("1.5Gi", "1536Mi"),
            ("2048Mi", "2Gi"),
            ("1000m", "1"),
            ("24", "24"),
            ("500Gi", "500Gi"),
            ("0Gi", "0"),
            ("1e3", "1k"),
            ("-2500m", "-2500m"),
        ] {
            assert_eq!(quantity(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn sums_keep_the_way_of_writing() {
        let sum = Quantity::ZERO.checked_add(quantity("1Gi")).unwrap().checked_add(quantity("512Mi")).unwrap();
        assert_eq!(sum.to_string(), "1536Mi");
        assert_eq!(quantity("250m").checked_mul(13).unwrap().to_string(), "3250m");
        assert_eq!(quantity("2Gi").checked_sub(quantity("512Mi")).unwrap().to_string(), "1536Mi");
        assert_eq!(quantity("1000000E").checked_mul(u64::MAX), Err(QuantityError::Overflow));
    }

    proptest! {
        #[test]
        fn the_canonical_form_reads_back(nanos in -(1_i128 << 80)..(1_i128 << 80), binary: bool) {
            let quantity = Quantity { nanos, binary };
            prop_assert_eq!(Quantity::parse(&quantity.to_string()).unwrap(), quantity);
        }

        #[test]
        fn order_and_sum_are_those_of_the_numbers(a in 0_u32..1_000_000, b in 0_u32..1_000_000) {
            let (left, right) = (quantity(&format!("{a}m")), quantity(&format!("{b}m")));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(left.checked_add(right).unwrap(), quantity(&format!("{}m", a + b)));
        }

        #[test]
        fn decimals_are_exact(whole in 0_u32..100_000, thousandths in 0_u32..1_000) {
            prop_assert_eq!(
                quantity(&format!("{whole}.{thousandths:03}")),
                quantity(&format!("{}m", u64::from(whole) * 1_000 + u64::from(thousandths)))
            );
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,70}") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn no_number_makes_it_panic(text in "[+-]?[0-9]{0,45}\\.?[0-9]{0,45}([eE][+-]?[0-9]{0,3}|[numkMGTPE]i?)?") {
            let _ = Quantity::parse(&text);
        }
    }
}
