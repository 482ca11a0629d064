//! How a cost grows with a size.

use serde::{Deserialize, Serialize};

/// How a cost may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Growth {
    /// Not at all, but for looking something up among more.
    Independent,
    /// With the size.
    Linear,
}

/// What was found of how a cost grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The exponent of the size to which the whole cost grows.
    pub exponent: f64,
    /// The exponent of what is added from size to size at the largest of them, so that a fixed part does not hide it.
    /// Nothing where there are too few sizes, or nothing is added.
    pub marginal: Option<f64>,
    /// What one more adds, between the two largest sizes.
    pub slope: f64,
}

/// The exponent of a cost that counts as independent: a search in a tree takes a step more for many times as much.
const INDEPENDENT: f64 = 0.1;
/// The exponent of a cost that counts as linear: sorting takes a little more.
const LINEAR: f64 = 1.15;

impl Growth {
    /// Says whether a cost grows no faster.
    #[must_use]
    pub fn is_met(self, fit: &Fit) -> bool {
        match self {
            Self::Independent => fit.exponent <= INDEPENDENT,
            Self::Linear => fit.exponent <= LINEAR && fit.marginal.is_none_or(|marginal| marginal <= LINEAR),
        }
    }

    /// Returns it in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Independent => "independent",
            Self::Linear => "linear",
        }
    }
}

impl Fit {
    /// Finds out how a cost grows: points of a size and its cost, with growing sizes. There are at least two.
    #[must_use]
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        let [.., before, last] = points else { return None };
        Some(Self {
            exponent: exponent(points)?,
            marginal: marginal(points),
            slope: (last.1 - before.1) / (last.0 - before.0),
        })
    }
}

/// Returns the exponent of the size to which a cost grows: the slope of the straight line through the logarithms, by least
/// squares.
#[must_use]
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 || points.iter().any(|(size, cost)| *size <= 0.0 || *cost <= 0.0) {
        return None;
    }
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(size, cost)| (size.ln(), cost.ln())).collect();
    let count = f64::from(u32::try_from(points.len()).ok()?);
    let mean_size = logarithms.iter().map(|(size, _)| size).sum::<f64>() / count;
    let mean_cost = logarithms.iter().map(|(_, cost)| cost).sum::<f64>() / count;
    let together: f64 = logarithms.iter().map(|(size, cost)| (size - mean_size) * (cost - mean_cost)).sum();
    let alone: f64 = logarithms.iter().map(|(size, _)| (size - mean_size).powi(2)).sum();
    (alone > 0.0).then(|| together / alone)
}

/// What one more adds between two sizes grows with an exponent too, which is one less than that of the cost without its
/// fixed part. Among few, other things weigh more: so it is that of the three largest sizes.
fn marginal(points: &[(f64, f64)]) -> Option<f64> {
    let slopes = points.windows(2).map(|pair| {
        let [(size, cost), (larger, more)] = [pair[0], pair[1]];
        ((size * larger).sqrt(), (more - cost) / (larger - size))
    });
    let slopes: Vec<(f64, f64)> = slopes.collect();
    Some(1.0 + exponent(slopes.last_chunk::<2>()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(cost: impl Fn(f64) -> f64) -> Fit {
        let points = [10.0, 100.0, 1_000.0, 10_000.0].map(|size| (size, cost(size)));
        Fit::of(&points).unwrap()
    }

    fn assert_near(one: f64, other: f64) {
        assert!((one - other).abs() < 0.005, "{one} is not {other}");
    }

    #[test]
    fn the_exponent_of_a_power_is_found() {
        assert_near(fit(|size| 7.0 * size).exponent, 1.0);
        assert_near(fit(|size| 3.0 * size * size).exponent, 2.0);
        assert_near(fit(f64::sqrt).exponent, 0.5);
        assert_near(fit(|_| 42.0).exponent, 0.0);
    }

    #[test]
    fn a_fixed_part_hides_the_exponent_but_not_the_marginal_one() {
        let linear = fit(|size| 100_000.0 + 7.0 * size);
        let square = fit(|size| 1e9 + 3.0 * size * size);

        assert_near(linear.marginal.unwrap(), 1.0);
        assert_near(linear.slope, 7.0);
        assert!(linear.exponent < 0.1, "{linear:?}");
        assert!(square.marginal.unwrap() > 1.9, "{square:?}");
        assert!(!Growth::Linear.is_met(&square) && Growth::Linear.is_met(&linear));
    }

    #[test]
    fn sorting_beside_work_for_each_counts_as_linear_and_a_power_does_not() {
        assert!(Growth::Linear.is_met(&fit(|size| size * (20.0 + size.ln()))));
        assert!(!Growth::Linear.is_met(&fit(|size| size.powf(1.3))));
    }

    #[test]
    fn one_more_step_of_a_search_is_no_growth_and_a_tenth_per_set_is() {
        assert!(Growth::Independent.is_met(&fit(|size| 1_000.0 + 20.0 * size.log2())));
        assert!(!Growth::Independent.is_met(&fit(|size| 1_000.0 + size)));
    }

    #[test]
    fn one_point_tells_nothing() {
        assert_eq!(Fit::of(&[(1.0, 2.0)]), None);
    }
}
