//! Charts in SVG.

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
    /// Whether both axes are logarithmic.
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
