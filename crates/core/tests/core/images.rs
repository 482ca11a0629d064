//! References of images, compared with what Kubernetes makes of them.

use sidecarset_core::image::ImageReference;

/// Each line is a text and, where it is a reference, its name, tag and digest, as `ParseNormalizedNamed` of
/// github.com/distribution/reference v0.6.0 found them, with the tag that Kubernetes adds. The texts are random.
const VECTORS: &str = include_str!("../vectors/images.tsv");

/// Returns the text and the three parts of it.
fn read(line: &str) -> (String, Option<[&str; 3]>) {
    let mut columns = line.split('\t');
    let text = columns.next().unwrap().replace("\\n", "\n").replace("\\t", "\t");
    let name = columns.next().unwrap();
    (text, (name != "-").then(|| [name, columns.next().unwrap(), columns.next().unwrap()]))
}

#[test]
fn any_text_is_read_as_kubernetes_reads_it() {
    let mut references = 0;
    for (text, expected) in VECTORS.lines().map(read) {
        let found = ImageReference::parse(&text);

        let parts = found.map(|it| (it.name(), it.tag().unwrap_or_default(), it.digest().unwrap_or_default()));
        assert_eq!(parts, expected.map(|[name, tag, digest]| (name.to_owned(), tag, digest)), "{text:?}");
        references += usize::from(found.is_some());
    }
    assert!(references > 1500 && VECTORS.lines().count() > 4000, "{references}");
}
