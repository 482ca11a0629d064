//! Paths in a container, which can be written in several ways.

use std::borrow::Cow;

/// Returns a path as it is written shortest: no slash at the end, no empty step, no `.`, and no step that `..` takes back.
pub(crate) fn cleaned(path: &str) -> Cow<'_, str> {
    // Most are clean, and all are compared for each Pod.
    let has_spare = |pair: &[u8]| pair == b"//" || pair == b"/.";
    let is_clean =
        path == "/" || path.starts_with('/') && !path.ends_with('/') && !path.as_bytes().windows(2).any(has_spare);
    if is_clean {
        return Cow::Borrowed(path);
    }
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    Cow::Owned(format!("/{}", steps.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_however_it_is_written() {
        for (written, shortest) in [
            ("/data", "/data"),
            ("/data/", "/data"),
            ("//data///logs/", "/data/logs"),
            ("/data/./logs", "/data/logs"),
            ("/data/tmp/../logs", "/data/logs"),
            ("/../data", "/data"),
            ("data", "/data"),
            ("/", "/"),
            ("", "/"),
            ("/data/..logs", "/data/..logs"),
        ] {
            assert_eq!(cleaned(written), shortest, "{written}");
        }
    }
}
