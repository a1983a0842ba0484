//! A small random generator of our own: the same seed gives the same sheets on every machine and for every version of
//! every dependency.
//!
//! SplitMix64, from G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA
//! 2014), with the constants of S. Vigna's public-domain reference. One 64-bit word of state is plenty for drawing pens
//! and noise.

/// Added to the state at every step: 2⁶⁴ divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        to_unit(self.bits())
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform among `0..count`; 0 if `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Close to a normal distribution of mean 0 and deviation 1: the sum of four uniform numbers. It needs no
    /// logarithm, whose last digit differs between platforms, and it has no far tails.
    pub fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: f64 = (0..4).map(|i| ((bits >> (16 * i)) & 0xFFFF) as f64 / 65536.0).sum();
        // Four uniforms have mean 2 and variance 4/12.
        (sum - 2.0) * 1.732_050_8
    }
}

/// A smooth field of values in `[0, 1)`: random at whole coordinates, blended between them. The texture of wood, paper
/// and graphite.
pub fn smooth_noise(seed: u64, x: f64, y: f64) -> f64 {
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (ease(x - x0), ease(y - y0));
    let at = |dx: i64, dy: i64| {
        let (ix, iy) = ((x0 as i64).wrapping_add(dx) as u64, (y0 as i64).wrapping_add(dy) as u64);
        to_unit(mix(seed ^ mix(ix.wrapping_mul(GOLDEN) ^ mix(iy))))
    };
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * fx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * fx;
    top + (bottom - top) * fy
}

/// From 0 to 1 with level ends; values outside are cut.
pub fn ease(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The output function of SplitMix64.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The upper 53 bits as a number in `[0, 1)`.
fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        // First outputs of the reference implementation for seed 1234567.
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_stay_in_their_ranges() {
        let mut random = Random::new(5);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..10_000 {
            assert!((2.0..3.0).contains(&random.between(2.0, 3.0)));
            assert!(random.below(7) < 7);
            let n = random.normal();
            sum += n;
            squares += n * n;
        }
        assert!((sum / 10_000.0).abs() < 0.05 && (squares / 10_000.0 - 1.0).abs() < 0.05);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn noise_is_smooth() {
        for i in 0..1000 {
            let x = f64::from(i) * 0.01 - 5.0;
            let step = (smooth_noise(3, x, 0.3) - smooth_noise(3, x + 0.01, 0.3)).abs();
            assert!(step < 0.02, "{x}: {step}");
        }
    }
}
