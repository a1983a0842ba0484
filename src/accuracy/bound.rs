//! The exact upper bound of a rate from a count: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
//! illustrated in the case of the binomial", Biometrika 26 (1934).

/// The least rate at which so few as `hits` of `trials` would be seen with probability 1 − `confidence` only. 1 for no trials.
///
/// It is the `confidence` quantile of the beta distribution with parameters `hits` + 1 and `trials` − `hits`, found by
/// bisection.
pub fn upper(hits: u64, trials: u64, confidence: f64) -> f64 {
    if hits >= trials {
        return 1.0;
    }
    let (a, b) = (hits as f64 + 1.0, (trials - hits) as f64);
    let (mut low, mut high) = (0.0, 1.0);
    // Doubles have no more places than this.
    for _ in 0..120 {
        let middle = (low + high) / 2.0;
        if incomplete_beta(a, b, middle) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function for `x` from 0 to 1: the continued fraction 8.17.22 of the NIST Digital Library of
/// Mathematical Functions, evaluated by the method of W. J. Lentz (1976).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // It converges fast on this side of the mean only; the other side follows by symmetry.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    const TINY: f64 = 1e-300;
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let not_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for term in [even, odd] {
            d = 1.0 / not_zero(1.0 + term * d);
            c = not_zero(1.0 + term / c);
            factor = c * d;
            fraction *= factor;
        }
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// The logarithm of the gamma function for `x` > 0, by C. Lanczos' approximation (1964) with the nine coefficients of
/// P. Godfrey for g = 7: right to about 15 places.
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + 7.5;
    let terms = COEFFICIENTS.iter().enumerate().skip(1).map(|(i, c)| c / (x + i as f64));
    let sum = COEFFICIENTS[0] + terms.sum::<f64>();
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, want: f64, tolerance: f64) {
        assert!((found - want).abs() <= tolerance, "{found}, expected {want}");
    }

    /// Upper ends of two-sided 95 % intervals as tables of exact binomial limits print them.
    #[test]
    fn published_limits() {
        for (hits, trials, want) in [
            (0, 10, 0.3085),
            (1, 10, 0.4450),
            (5, 10, 0.8129),
            (0, 20, 0.1684),
            (2, 20, 0.3170),
            (10, 100, 0.1762),
            (50, 100, 0.6017),
            (1, 100, 0.0545),
        ] {
            near(upper(hits, trials, 0.975), want, 6e-5);
        }
    }

    /// Without a hit the bound has a closed form, and for large numbers it is about 3 in `trials`.
    #[test]
    fn none_of_many() {
        for trials in [1_u64, 10, 1_000, 40_496, 1_000_000, 50_000_000] {
            let want = -f64::exp_m1(0.05_f64.ln() / trials as f64);
            near(upper(0, trials, 0.95) / want, 1.0, 1e-6);
        }
        near(upper(0, 1_000_000, 0.95), 3e-6, 1e-8);
    }

    #[test]
    fn all_or_nothing() {
        assert_eq!(upper(0, 0, 0.95), 1.0);
        assert_eq!(upper(7, 7, 0.95), 1.0);
        // Six or fewer of seven: 1 − p⁷.
        near(upper(6, 7, 0.95), 0.95_f64.powf(1.0 / 7.0), 1e-12);
    }

    /// The definition itself: at the bound, so few hits have the probability that is left.
    #[test]
    fn the_binomial_sum_at_the_bound() {
        for (hits, trials) in [(0_u64, 5_u64), (2, 9), (3, 30), (17, 60)] {
            let p = upper(hits, trials, 0.95);
            let term = |k: u64| {
                let choose = (0..k).fold(1.0, |c, i| c * (trials - i) as f64 / (i + 1) as f64);
                choose * p.powi(k as i32) * (1.0 - p).powi((trials - k) as i32)
            };
            near((0..=hits).map(term).sum(), 0.05, 1e-10);
        }
    }

    #[test]
    fn known_gammas() {
        near(ln_gamma(1.0), 0.0, 1e-13);
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln(), 1e-13);
        near(ln_gamma(11.0), 3_628_800.0_f64.ln(), 1e-12);
    }
}
