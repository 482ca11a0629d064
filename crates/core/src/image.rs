//! The reference of a container image.

/// An image reference, taken apart so that two spellings of one image are equal: `nginx`, `nginx:latest` and
/// `docker.io/library/nginx:latest` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageReference<'a> {
    domain: &'a str,
    // What stands before the path, for the short names of the default registry.
    prefix: &'a str,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

const DEFAULT_DOMAIN: &str = "docker.io";
const OFFICIAL_PREFIX: &str = "library/";

impl<'a> ImageReference<'a> {
    /// Takes a reference apart. Any text has parts, so this cannot fail; whether such an image exists is for the
    /// registry to say.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the port of the registry.
        let last_slash = name.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match name[last_slash..].find(':') {
            Some(at) => (&name[..last_slash + at], Some(&name[last_slash + at + 1..])),
            None => (name, None),
        };
        let (domain, path) = match repository.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
            _ => (DEFAULT_DOMAIN, repository),
        };
        let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
        let (prefix, path) = match path.strip_prefix(OFFICIAL_PREFIX) {
            Some(rest) if domain == DEFAULT_DOMAIN => (OFFICIAL_PREFIX, rest),
            _ if domain == DEFAULT_DOMAIN && !path.contains('/') => (OFFICIAL_PREFIX, path),
            _ => ("", path),
        };
        let tag = tag.or(if digest.is_none() { Some("latest") } else { None });
        Self { domain, prefix, path, tag, digest }
    }

    /// Returns the tag, which is `latest` where the reference has neither a tag nor a digest.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// Returns the digest, where the reference has one.
    #[must_use]
    pub fn digest(&self) -> Option<&'a str> {
        self.digest
    }

    /// Says whether both name the same repository, whatever their tags and digests.
    #[must_use]
    pub fn is_same_repository(&self, other: &Self) -> bool {
        (self.domain, self.prefix, self.path) == (other.domain, other.prefix, other.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_full_names_of_one_image_are_equal() {
        for (short, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("centos:6.8", "docker.io/library/centos:6.8"),
            ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
            ("index.docker.io/library/nginx", "nginx"),
        ] {
            assert_eq!(ImageReference::parse(short), ImageReference::parse(full), "{short}");
        }
    }

    #[test]
    fn different_images_are_not_equal() {
        for (one, other) in [
            ("nginx:1", "nginx:2"),
            ("nginx", "quay.io/library/nginx"),
            ("localhost:5000/nginx", "nginx"),
            ("library/nginx", "quay.io/nginx"),
            ("nginx@sha256:aa", "nginx:latest"),
        ] {
            assert_ne!(ImageReference::parse(one), ImageReference::parse(other), "{one}");
        }
    }

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        let reference = ImageReference::parse("localhost:5000/agent");

        assert_eq!(reference, ImageReference::parse("localhost:5000/agent:latest"));
    }

    #[test]
    fn a_repository_is_compared_without_tag_and_digest() {
        let pinned = ImageReference::parse("nginx:1.25@sha256:aa");
        let reported = ImageReference::parse("docker.io/library/nginx@sha256:aa");

        assert!(pinned.is_same_repository(&reported));
        assert_eq!(reported.digest(), Some("sha256:aa"));
    }
}
