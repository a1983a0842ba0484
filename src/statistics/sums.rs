//! Exact sums over whole numbers, from which variances and correlations follow at the end.
//!
//! Sums of floating-point numbers depend on their order and lose what a variance needs; these do not. Every operation
//! is checked: `None` says that a number left the range of 128 bits, which no exam comes near.

/// Count, sum and sum of squares of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moments {
    pub count: i128,
    pub sum: i128,
    squares: i128,
}

impl Moments {
    pub fn add(&mut self, x: i128) -> Option<()> {
        self.count += 1;
        self.sum = self.sum.checked_add(x)?;
        self.squares = self.squares.checked_add(x.checked_mul(x)?)?;
        Some(())
    }

    /// n Σx² − (Σx)², which is n² times the population variance. Exactly 0 where all numbers are equal.
    pub fn spread(&self) -> Option<i128> {
        self.count.checked_mul(self.squares)?.checked_sub(self.sum.checked_mul(self.sum)?)
    }

    /// All numbers times `factor`.
    pub fn scale(&mut self, factor: i128) -> Option<()> {
        self.sum = self.sum.checked_mul(factor)?;
        self.squares = self.squares.checked_mul(factor)?.checked_mul(factor)?;
        Some(())
    }
}

/// Numbers, each with a yes or a no.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Divided {
    all: Moments,
    yes: i128,
    sum_of_yes: i128,
}

impl Divided {
    pub fn add(&mut self, x: i128, yes: bool) -> Option<()> {
        self.all.add(x)?;
        if yes {
            self.yes += 1;
            self.sum_of_yes = self.sum_of_yes.checked_add(x)?;
        }
        Some(())
    }

    /// Pearson's correlation of the numbers with 1 for yes and 0 for no. `None` where either does not vary.
    pub fn point_biserial(&self) -> Option<f64> {
        let n = self.all.count;
        let together = n.checked_mul(self.sum_of_yes)?.checked_sub(self.yes.checked_mul(self.all.sum)?)?;
        let of_numbers = self.all.spread()?;
        let of_yes = self.yes * (n - self.yes);
        if of_numbers == 0 || of_yes == 0 {
            return None;
        }
        Some(together as f64 / ((of_numbers as f64).sqrt() * (of_yes as f64).sqrt()))
    }

    /// All numbers times `factor`.
    pub fn scale(&mut self, factor: i128) -> Option<()> {
        self.all.scale(factor)?;
        self.sum_of_yes = self.sum_of_yes.checked_mul(factor)?;
        Some(())
    }
}
