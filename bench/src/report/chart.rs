//! Charts in SVG.

use anyhow::{Context, anyhow};
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

const SIZE: (u32, u32) = (900, 380);
/// How much of it, on the right, is for what the lines show.
const LEGEND: i32 = 200;
const FONT: (&str, u32) = ("sans-serif", 14);

/// Lines over a horizontal axis.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The name of its file, without an ending.
    pub name: String,
    /// What it shows, in a few words.
    pub title: String,
    /// What goes to the right, with its unit.
    pub across: String,
    /// What goes upwards, with its unit.
    pub up: String,
    /// Whether the horizontal axis is logarithmic. Points that are not to the right of zero are left out then.
    pub is_logarithmic: bool,
    /// The lines.
    pub series: Vec<Series>,
}

/// One line of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it shows.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// What the axes of a chart span: upwards it is always from zero.
#[derive(Debug, Clone, Copy)]
struct Span {
    across: (f64, f64),
    up: f64,
}

/// Colours that are told apart on white, also by most people who see few of them.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 92, 175),
    RGBColor(213, 94, 0),
    RGBColor(0, 135, 95),
    RGBColor(148, 60, 140),
    RGBColor(86, 180, 233),
    RGBColor(190, 140, 0),
    RGBColor(90, 90, 90),
    RGBColor(220, 120, 170),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

impl Chart {
    /// Draws it.
    ///
    /// # Errors
    /// The library that draws fails.
    pub fn svg(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
            let drawn = root.fill(&WHITE).map_err(|error| anyhow!("{error}"));
            let (plot, legend) = root.split_horizontally(SIZE.0.cast_signed() - LEGEND);
            drawn
                .and_then(|()| self.draw(&plot))
                .and_then(|()| self.explain(&legend))
                .with_context(|| format!("failed to draw {}", self.name))?;
        }
        Ok(text)
    }

    fn draw(&self, root: &Area<'_>) -> anyhow::Result<()> {
        let span = self.span();
        let mut builder = ChartBuilder::on(root);
        builder.caption(&self.title, FONT).margin(14).x_label_area_size(44).y_label_area_size(84);
        let up = 0.0..span.up;
        // The two kinds of axes are two types.
        if self.is_logarithmic {
            let across = (span.across.0..span.across.1).log_scale();
            finish(self, builder.build_cartesian_2d(across, up).map_err(|error| anyhow!("{error}"))?)
        } else {
            finish(self, builder.build_cartesian_2d(0.0..span.across.1, up).map_err(|error| anyhow!("{error}"))?)
        }
    }

    /// Says which line is which.
    fn explain(&self, area: &Area<'_>) -> anyhow::Result<()> {
        for (series, (colour, y)) in self.series.iter().zip(COLOURS.iter().cycle().zip((44..).step_by(22))) {
            let line = PathElement::new([(0, y), (18, y)], colour.stroke_width(2));
            area.draw(&line).map_err(|error| anyhow!("{error}"))?;
            let name = Text::new(series.name.as_str(), (24, y - 8), FONT);
            area.draw(&name).map_err(|error| anyhow!("{error}"))?;
        }
        Ok(())
    }

    fn points<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = (f64, f64)> + 'a {
        let is_drawn = |point: &&(f64, f64)| !self.is_logarithmic || point.0 > 0.0;
        series.points.iter().filter(is_drawn).copied()
    }

    fn span(&self) -> Span {
        let points = || self.series.iter().flat_map(|series| self.points(series));
        let of = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), it| (low.min(it), high.max(it)));
            (low.min(high) / 1.2, high * 1.1)
        };
        Span { across: of(&mut points().map(|point| point.0)), up: of(&mut points().map(|point| point.1)).1 }
    }
}

fn finish<'a, 'b, A, B>(
    chart: &Chart,
    mut context: ChartContext<'a, SVGBackend<'b>, Cartesian2d<A, B>>,
) -> anyhow::Result<()>
where
    A: Ranged<ValueType = f64> + ValueFormatter<f64>,
    B: Ranged<ValueType = f64> + ValueFormatter<f64>,
    'b: 'a,
{
    let failed = |error: &dyn std::fmt::Display| anyhow!("{error}");
    context
        .configure_mesh()
        .x_desc(&chart.across)
        .y_desc(&chart.up)
        .light_line_style(TRANSPARENT)
        .label_style(FONT)
        .x_label_formatter(&told)
        .y_label_formatter(&told)
        .draw()
        .map_err(|error| failed(&error))?;
    for (at, series) in chart.series.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let points: Vec<_> = chart.points(series).collect();
        context
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))
            .map_err(|error| failed(&error))?;
        // Of a line through many points the points would hide the line.
        if points.len() <= 20 {
            let dots = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
            context.draw_series(dots).map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

/// Returns a number at an axis. What is a little off is so because of how it was added up.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how plotters hands it over")]
fn told(number: &f64) -> String {
    let rounded = |number: f64| (number * 1e3).round() / 1e3;
    if number.abs() >= 1e6 {
        format!("{} million", rounded(number / 1e6))
    } else if number.abs() >= 1e4 {
        format!("{}k", rounded(number / 1e3))
    } else {
        rounded(*number).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(is_logarithmic: bool) -> Chart {
        let points = vec![(0.0, 0.0), (10.0, 3.0), (1_000.0, 70.0)];
        Chart {
            name: "growth".to_owned(),
            title: "Cost & size".to_owned(),
            across: "Pods".to_owned(),
            up: "µs".to_owned(),
            is_logarithmic,
            series: vec![Series { name: "plan".to_owned(), points }],
        }
    }

    #[test]
    fn a_chart_has_its_title_its_axes_and_a_point_for_each_number() {
        let svg = chart(false).svg().unwrap();

        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["Cost &amp; size", "Pods", "µs", "plan"] {
            assert!(svg.contains(text), "{text} is missing in {svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 3);
    }

    #[test]
    fn nothing_is_drawn_at_zero_of_a_logarithmic_axis() {
        assert_eq!(chart(true).svg().unwrap().matches("<circle").count(), 2);
    }

    #[test]
    fn a_chart_without_points_is_drawn_all_the_same() {
        let empty = Chart { series: Vec::new(), ..chart(true) };

        assert!(empty.svg().unwrap().starts_with("<svg"));
    }
}
