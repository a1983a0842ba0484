//! Hot loops, compiled once more for processors with wide registers and chosen while the program runs.
//!
//! Only loops on whole numbers, or on `f32` and `f64` one operation at a time, belong here: then both versions give the same
//! bits, because the compiler never joins a product and a sum by itself.

/// Runs `work`, compiled for AVX2 where the processor has it.
///
/// That is true of the code that is inlined into `work`: let it be a closure that does no more than to call a function
/// marked `#[inline(always)]`, whose callees are small or marked alike.
#[inline(always)]
pub fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
    {
        // Sound: the processor was just asked for each feature that the function is compiled with. It is the program's only
        // unsafe block; with it the loops that are handed in take 0.2 to 0.6 of their time.
        #[allow(unsafe_code)]
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(always)]
    fn sum(values: &[u8]) -> u64 {
        values.iter().map(|&v| u64::from(v)).sum()
    }

    #[test]
    fn the_result_is_that_of_the_work() {
        let values: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(wide(|| sum(&values)), sum(&values));
    }
}
