//! Points as whole numbers over a common denominator: sums are exact, and a hundred thousand sheets add up fast.
//!
//! A score is told as OMRChecker tells it, by the nearest double in the shortest form that reads back to it. Its own
//! doubles are summed one by one and drift in the last digits; ours is the nearest one to the exact sum.

use std::cmp::Ordering;

use num_rational::BigRational;

use crate::evaluation::Mark;

/// An exact number of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    above: i128,
    /// Above 0.
    below: i128,
}

impl Points {
    /// `above` parts, of which `below` make a point; `below` is above 0.
    pub(super) fn new(above: i128, below: i128) -> Self {
        Self { above, below }
    }

    /// The same number as a fraction in lowest terms: what is above and below the line.
    pub fn fraction(self) -> (i128, i128) {
        match gcd(self.above.unsigned_abs(), self.below.unsigned_abs()) {
            // Above 0, and no greater than `below`, which fits.
            divisor @ 1.. => (self.above / divisor as i128, self.below / divisor as i128),
            0 => (0, 1),
        }
    }

    /// The same number, for arithmetic that has no bounds.
    pub fn exact(self) -> BigRational {
        BigRational::new(self.above.into(), self.below.into())
    }

    /// More, less or equal to no points.
    pub fn sign(self) -> Ordering {
        self.above.cmp(&0)
    }

    /// The nearest double; of two equally near, the one with an even last digit.
    pub fn nearest(self) -> f64 {
        const EXACT: i128 = 1 << f64::MANTISSA_DIGITS;
        let (above, below) = self.fraction();
        if above.abs() <= EXACT && below <= EXACT {
            // Both are doubles, and a division of doubles is rounded once.
            return above as f64 / below as f64;
        }
        let magnitude = divide(above.unsigned_abs(), below.unsigned_abs());
        if above < 0 { -magnitude } else { magnitude }
    }

    /// The nearest double in Python's notation: `5.0`, `-0.3333333333333333`, `1e-17`.
    pub fn text(self) -> String {
        python_float(self.nearest())
    }

    /// The nearest double rounded to two decimals, as Python's `round` does it, in Python's notation: `-0.67`, `3.0`.
    pub fn rounded(self) -> String {
        python_float(rounded(self.nearest()))
    }
}

/// `x` to two decimals: the decimal that is nearest to its binary value, ties to even.
fn rounded(x: f64) -> f64 {
    format!("{x:.2}").parse().unwrap_or(x)
}

/// Long division in base 2, far enough that one rounding gives the nearest double. `above` and `below` have 127 bits at
/// most.
fn divide(above: u128, below: u128) -> f64 {
    // Nine bits more than a double has; what follows them only matters by being there.
    const ENOUGH: u128 = 1 << 62;
    let (mut quotient, mut rest) = (above / below, above % below);
    let mut exponent = 0;
    while quotient != 0 && quotient < ENOUGH || quotient == 0 && rest != 0 {
        rest *= 2;
        quotient = quotient * 2 + u128::from(rest >= below);
        rest -= if rest >= below { below } else { 0 };
        exponent -= 1;
    }
    (quotient | u128::from(rest != 0)) as f64 * 2f64.powi(exponent)
}

/// The shortest text that reads back to `x`, as Python prints floats: with a decimal at least, with an exponent below
/// 1e-4 and from 1e16 on.
pub fn python_float(x: f64) -> String {
    let scientific = format!("{x:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = x.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The nearest double to a mark.
pub(super) fn nearest_to_mark(mark: &Mark) -> Option<f64> {
    Some(Points::new(numerator(mark)?, denominator(mark)?).nearest())
}

fn numerator(mark: &Mark) -> Option<i128> {
    i128::try_from(mark.exact().numer()).ok()
}

fn denominator(mark: &Mark) -> Option<i128> {
    i128::try_from(mark.exact().denom()).ok()
}

/// The smallest denominator that `mark` and all those before it, which have `before`, can be written with.
pub(super) fn common_denominator(before: i128, mark: &Mark) -> Option<i128> {
    let other = denominator(mark)?;
    let divisor = i128::try_from(gcd(before.unsigned_abs(), other.unsigned_abs())).ok()?;
    (before / divisor).checked_mul(other)
}

/// What stands above the line when `mark` is written with the denominator `below`, a multiple of its own.
pub(super) fn parts_of(mark: &Mark, below: i128) -> Option<i128> {
    numerator(mark)?.checked_mul(below / denominator(mark)?)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scores_read_as_python_prints_them() {
        for (above, below, text) in [
            (5, 1, "5.0"),
            (0, 30, "0.0"),
            (-4, 1, "-4.0"),
            (-1, 3, "-0.3333333333333333"),
            (41, 6, "6.833333333333333"),
            (3, 10, "0.3"),
            (1, 10_000, "0.0001"),
            (1, 100_000, "1e-05"),
            (1, 100_000_000_000_000_000, "1e-17"),
            (10_000_000_000_000_000, 1, "1e+16"),
            (9_999_999_999_999_998, 1, "9999999999999998.0"),
            (15, 1_000_000_000_000_000_000_000, "1.5e-20"),
        ] {
            assert_eq!(Points::new(above, below).text(), text);
        }
    }

    #[test]
    fn tables_round_the_double_and_not_the_decimal() {
        for (above, below, text) in [
            (-2, 3, "-0.67"),
            (1, 3, "0.33"),
            (3, 1, "3.0"),
            // 0.125 is a double, a tie; 2.675 and 1.005 are doubles just below theirs.
            (1, 8, "0.12"),
            (3, 8, "0.38"),
            (2675, 1000, "2.67"),
            (1005, 1000, "1.0"),
            (-1, 1000, "-0.0"),
        ] {
            assert_eq!(Points::new(above, below).rounded(), text, "{above}/{below}");
        }
    }

    #[test]
    fn python_writes_what_is_no_number_too() {
        assert_eq!(python_float(-0.0), "-0.0");
        assert_eq!(python_float(1e300), "1e+300");
        assert_eq!(python_float(123_456.75), "123456.75");
    }

    proptest! {
        #[test]
        fn long_division_rounds_as_the_processor_does(above in 1u64..1 << 53, below in 1u64..1 << 53) {
            let expected = above as f64 / below as f64;
            prop_assert_eq!(divide(above.into(), below.into()), expected);
        }

        /// Parsing a decimal rounds correctly, and a fraction over a power of ten is a decimal.
        #[test]
        fn decimals_are_the_nearest_doubles(above in any::<i64>(), zeros in 0u32..30) {
            let points = Points::new(above.into(), 10i128.pow(zeros));
            prop_assert_eq!(points.nearest(), format!("{above}e-{zeros}").parse::<f64>().unwrap());
        }

        #[test]
        fn a_text_reads_back_to_the_double(bits in any::<u64>()) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            prop_assert_eq!(python_float(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
        }

        #[test]
        fn no_points_make_it_panic(above in any::<i128>(), below in 1..i128::MAX) {
            prop_assume!(above != i128::MIN);
            prop_assert!(Points::new(above, below).nearest().is_finite());
        }
    }
}
