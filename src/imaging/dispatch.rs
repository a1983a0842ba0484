//! Hot loops, compiled once more for processors with wide registers and chosen while the program runs.
//!
//! Only loops on whole numbers, or on `f32` and `f64` one operation at a time, belong here: then both versions give the same
//! bits, because the compiler never joins a product and a sum by itself.

/// Defines a function that runs compiled for AVX2 where the processor has it.
///
/// That is true of its body and of what is inlined into it: functions that it calls must be marked `#[inline(always)]`, and
/// closures and adapters of the standard library (`map` of arrays above all) may be left outside: hot loops are plain. Constants that the function is generic over are stated
/// in brackets behind its name, as in `wide_fn! { fn sum[N: usize](values: &[[u8; N]]) -> u64 { … } }`.
macro_rules! wide_fn {
    (
        $(#[$attribute:meta])*
        $visible:vis fn $name:ident$([$($constant:ident: $kind:ty),+])?($($argument:ident: $type:ty),* $(,)?)
        $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        $visible fn $name$(<$(const $constant: $kind),+>)?($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain$(<$(const $constant: $kind),+>)?($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2")]
                fn with_avx2$(<$(const $constant: $kind),+>)?($($argument: $type),*) $(-> $result)? {
                    plain$(::<$($constant),+>)?($($argument),*)
                }
                if $crate::imaging::dispatch::has_avx2() {
                    // Sound: `has_avx2` has asked the processor for each feature that the function is compiled with. These
                    // are the program's only unsafe blocks; the loops that are defined so take 0.1 to 0.6 of their time.
                    #[allow(unsafe_code)]
                    return unsafe { with_avx2$(::<$($constant),+>)?($($argument),*) };
                }
            }
            plain$(::<$($constant),+>)?($($argument),*)
        }
    };
}

pub(crate) use wide_fn;

/// Does the processor have what `wide_fn!` compiles for?
#[cfg(target_arch = "x86_64")]
pub fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
}

/// Runs `work`, compiled for AVX2 where the processor has it.
///
/// That is true of the code that is inlined into `work`: let it be a closure that does no more than to call a function
/// marked `#[inline(always)]`, whose callees are small or marked alike. A closure that became large by that may be left a
/// function of its own by the compiler, and then is not compiled for AVX2: large work is a [`Work`], for [`wide_work`].
#[inline(always)]
pub fn wide<R>(work: impl FnOnce() -> R) -> R {
    wide_work(Closure(work))
}

/// A large piece of work for [`wide_work`].
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it. To be marked `#[inline(always)]`, which closures cannot be.
    fn run(self) -> Self::Output;
}

struct Closure<F>(F);

impl<R, F: FnOnce() -> R> Work for Closure<F> {
    type Output = R;

    #[inline(always)]
    fn run(self) -> R {
        self.0()
    }
}

/// As [`wide`], for work of any size.
#[inline(always)]
pub fn wide_work<W: Work>(work: W) -> W::Output {
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
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run()
}

#[cfg(test)]
mod tests {
    wide_fn! {
        /// The sum.
        fn sum(values: &[u8]) -> u64 {
            values.iter().map(|&v| u64::from(v)).sum()
        }
    }

    wide_fn! {
        fn rows[N: usize, M: usize](values: &[[u8; N]; M]) -> usize {
            values.len() * N
        }
    }

    #[test]
    fn functions_are_what_they_say() {
        let values: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(sum(&values), values.iter().map(|&v| u64::from(v)).sum::<u64>());
        assert_eq!(rows(&[[0; 3]; 5]), 15);
    }
}
