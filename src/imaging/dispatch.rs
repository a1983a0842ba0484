//! Hot loops, compiled once more for processors with wide registers and chosen while the program runs.
//!
//! Only loops on whole numbers, or on `f32` and `f64` one operation at a time, belong here: then both versions give the same
//! bits, because the compiler never joins a product and a sum by itself.

/// Defines a function that runs compiled for AVX2 where the processor has it.
///
/// That is true of its body and of what is inlined into it: functions that it calls must be marked `#[inline(always)]`, and
/// large closures and adapters of the standard library (`map` of arrays above all) may be left outside: hot loops are plain.
/// What the function is generic over stands in brackets: `wide_fn! { fn sum[const N: usize](values: &[[u8; N]]) -> u64 { … } }`,
/// or `fn sum[T: Number](…)`.
macro_rules! wide_fn {
    (
        $(#[$attribute:meta])* $visible:vis fn $name:ident[$(const $constant:ident: $kind:ty),+]
        ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $crate::imaging::dispatch::wide_fn! {
            @define [$(#[$attribute])* $visible] $name [$(const $constant: $kind),+] [$($constant),+]
            ($($argument: $type),*) [$($result)?] $body
        }
    };
    (
        $(#[$attribute:meta])* $visible:vis fn $name:ident[$($parameter:ident: $bound:path),+]
        ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $crate::imaging::dispatch::wide_fn! {
            @define [$(#[$attribute])* $visible] $name [$($parameter: $bound),+] [$($parameter),+]
            ($($argument: $type),*) [$($result)?] $body
        }
    };
    (
        $(#[$attribute:meta])* $visible:vis fn $name:ident
        ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $crate::imaging::dispatch::wide_fn! {
            @define [$(#[$attribute])* $visible] $name [] [] ($($argument: $type),*) [$($result)?] $body
        }
    };
    (
        @define [$(#[$attribute:meta])* $visible:vis] $name:ident [$($generics:tt)*] [$($parameter:ident),*]
        ($($argument:ident: $type:ty),*) [$($result:ty)?] $body:block
    ) => {
        $(#[$attribute])*
        $visible fn $name<$($generics)*>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain<$($generics)*>($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
                fn with_avx2<$($generics)*>($($argument: $type),*) $(-> $result)? {
                    plain::<$($parameter),*>($($argument),*)
                }
                if $crate::imaging::dispatch::has_avx2() {
                    // Sound: `has_avx2` has asked the processor for each feature that the function is compiled with. These
                    // are the program's only unsafe blocks; the loops that are defined so take 0.1 to 0.6 of the
                    // time that they take without.
                    #[allow(unsafe_code)]
                    return unsafe { with_avx2::<$($parameter),*>($($argument),*) };
                }
            }
            plain::<$($parameter),*>($($argument),*)
        }
    };
}

pub(crate) use wide_fn;

/// Does the processor have what `wide_fn!` compiles for?
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx2() -> bool {
    #[cfg(test)]
    if tests::ONLY_PLAIN.get() {
        return false;
    }
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use image::{GrayImage, RgbImage};
    use proptest::prelude::*;

    use super::super::arbitrary::picture;
    use super::super::{blur, edges, jpeg, morphology, overlay, resize, tone, warp};
    use crate::geometry::Size;

    thread_local! {
        /// This thread runs no wide version.
        pub(super) static ONLY_PLAIN: Cell<bool> = const { Cell::new(false) };
    }

    /// What the operations make of a picture, most of which have loops of both kinds.
    fn all_of(img: &GrayImage, other: &GrayImage, scale: f64) -> (Vec<GrayImage>, RgbImage, Option<Vec<u8>>) {
        let size = Size::new(1 + (f64::from(img.width()) * scale) as u32, 1 + (f64::from(img.height()) * scale) as u32);
        let map = warp::Homography([scale, 0.1, -2.0, -0.05, scale, 1.0, 1e-4, -1e-4, 1.0]);
        let mut stretched = img.clone();
        tone::stretch(&mut stretched, tone::Flat::Black);
        let colours = RgbImage::from_fn(img.width(), img.height(), |x, y| {
            let at = |p: &GrayImage| p.get_pixel_checked(x, y).map_or(0, |p| p.0[0]);
            image::Rgb([at(img), at(other), at(&stretched)])
        });
        let drawn = overlay::Overlay::new(Size::new(img.width(), img.height()));
        let bytes = jpeg::encode(jpeg::Picture::Gray(img), &drawn, overlay::Palette(&[]), 90, None);
        let grays = vec![
            resize::linear(img, size),
            resize::shrunk(img, 2),
            warp::through(img, &map, size).unwrap(),
            blur::gaussian(img, (5, 3), 0.0),
            blur::box_mean(img, 2),
            morphology::close(img, (5, 5), 1),
            morphology::close_along_lines(img, 3, 2),
            edges::canny(img, 55, 185),
            tone::stretched_at_caps(img, &[210, 200]),
            stretched,
        ];
        (grays, resize::linear_rgb(&colours, size), bytes)
    }

    proptest! {
        #[test]
        fn wide_and_plain_versions_give_the_same_bits(img in picture(70, 60), other in picture(70, 60), scale in 0.3f64..3.0) {
            prop_assume!(!img.is_empty());
            let wide = all_of(&img, &other, scale);
            ONLY_PLAIN.set(true);
            let plain = all_of(&img, &other, scale);
            ONLY_PLAIN.set(false);
            prop_assert_eq!(wide, plain);
        }
    }

    wide_fn! {
        /// The sum.
        fn sum[T: Copy](values: &[T], value: fn(T) -> u64) -> u64 {
            values.iter().map(|&v| value(v)).sum()
        }
    }

    wide_fn! {
        fn count[const N: usize, const M: usize](values: &[[u8; N]; M]) -> usize {
            values.len() * N
        }
    }

    wide_fn! {
        fn double(values: &mut [u8]) {
            values.iter_mut().for_each(|v| *v *= 2);
        }
    }

    #[test]
    fn functions_are_what_they_say() {
        let values: Vec<u8> = (0..=255).cycle().take(1000).collect();
        assert_eq!(sum(&values, u64::from), values.iter().map(|&v| u64::from(v)).sum::<u64>());
        assert_eq!(count(&[[0; 3]; 5]), 15);
        let mut values = [1, 2, 127];
        double(&mut values);
        assert_eq!(values, [2, 4, 254]);
    }
}
