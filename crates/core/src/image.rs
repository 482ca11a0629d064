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
const LEGACY_DOMAIN: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const DEFAULT_TAG: &str = "latest";

/// The most characters of a path, and of a tag.
const LONGEST_PATH: usize = 255;
const LONGEST_TAG: usize = 128;

/// The kinds of digests that there are, each with its number of hexadecimal digits.
const DIGESTS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

impl<'a> ImageReference<'a> {
    /// Reads a reference as Kubernetes does; nothing is returned where it could not.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        // By itself that could be the digest of an image, too.
        let is_identifier = text.len() == 64 && text.bytes().all(is_lower_hex);
        Some(Self::split(text)).filter(|parts| !is_identifier && parts.is_well_formed())
    }

    /// Takes a reference apart, be it well-formed or not: whether such an image exists is for the registry to say.
    #[must_use]
    pub fn split(text: &'a str) -> Self {
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
            Some((first, rest)) if is_domain(first) => (first, rest),
            _ => (DEFAULT_DOMAIN, repository),
        };
        let domain = if domain == LEGACY_DOMAIN { DEFAULT_DOMAIN } else { domain };
        let (prefix, path) = match path.strip_prefix(OFFICIAL_PREFIX) {
            Some(rest) if domain == DEFAULT_DOMAIN => (OFFICIAL_PREFIX, rest),
            _ if domain == DEFAULT_DOMAIN && !path.contains('/') => (OFFICIAL_PREFIX, path),
            _ => ("", path),
        };
        let tag = tag.or(if digest.is_none() { Some(DEFAULT_TAG) } else { None });
        Self { domain, prefix, path, tag, digest }
    }

    fn is_well_formed(&self) -> bool {
        // A first part that can be no host may still be the first part of a path.
        let length = if is_host(self.domain) {
            self.prefix.len() + self.path.len()
        } else if is_component(self.domain) {
            self.domain.len() + "/".len() + self.path.len()
        } else {
            return false;
        };
        length <= LONGEST_PATH
            && self.path.split('/').all(is_component)
            && self.tag.is_none_or(is_tag)
            && self.digest.is_none_or(is_digest)
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

    /// Returns the repository in its full form.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { domain, prefix, path, .. } = self;
        format!("{domain}/{prefix}{path}")
    }

    /// Says whether this may be `other` as a policy has rewritten it: the same path in another registry, be it below a path of
    /// that registry, and the same tag or digest, or the digest that the tag was found to stand for.
    #[must_use]
    pub fn is_same_but_for_registry(&self, other: &Self) -> bool {
        let is_below = |path: &str| path.strip_suffix(other.path).is_some_and(|mirror| mirror.ends_with('/'));
        let is_mirrored = self.domain != other.domain && (self.path == other.path || is_below(self.path));
        let is_same_content = match (self.digest, other.digest) {
            (Some(digest), Some(wanted)) => digest == wanted,
            (Some(_), None) => self.tag.is_none() || self.tag == other.tag,
            (None, Some(_)) => false,
            (None, None) => self.tag == other.tag,
        };
        is_same_content && (self.is_same_repository(other) || is_mirrored)
    }

    /// Says whether both name the same repository, whatever their tags and digests.
    #[must_use]
    pub fn is_same_repository(&self, other: &Self) -> bool {
        (self.domain, self.prefix, self.path) == (other.domain, other.prefix, other.path)
    }
}

/// Says whether the first of several parts of a name is a registry, and not yet a part of the path.
fn is_domain(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.contains(|letter: char| letter.is_ascii_uppercase())
}

/// A name or an address, with a port or without.
fn is_host(text: &str) -> bool {
    let end = text.find(']').map_or(0, |at| at + 1);
    let (host, port) = match text[end..].find(':') {
        Some(at) => (&text[..end + at], &text[end + at + 1..]),
        None => (text, "0"),
    };
    let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    is_number && (is_ipv6(host) || host.split('.').all(is_label))
}

fn is_ipv6(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

fn is_label(label: &str) -> bool {
    let is_bounded = label.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && label.ends_with(|letter: char| letter.is_ascii_alphanumeric());
    is_bounded && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Lower-case letters and digits, with separators between them: a dot, one or two underscores, or any number of dashes.
fn is_component(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_bounded = text.starts_with(is_letter) && text.ends_with(is_letter);
    let mut separators = text.split(is_letter).filter(|separator| !separator.is_empty());
    let is_separator = |text: &str| matches!(text, "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    is_bounded && separators.all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= LONGEST_TAG
        && text.bytes().next().is_some_and(is_letter)
        && text.bytes().all(|byte| is_letter(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    DIGESTS.iter().any(|(kind, digits)| {
        let hash = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':'));
        hash.is_some_and(|hash| hash.len() == *digits && hash.bytes().all(is_lower_hex))
    })
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
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
            assert_eq!(ImageReference::split(short), ImageReference::split(full), "{short}");
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
            assert_ne!(ImageReference::split(one), ImageReference::split(other), "{one}");
        }
    }

    #[test]
    fn the_path_stays_when_a_policy_has_another_registry_serve_an_image() {
        for (rewritten, original) in [
            ("mirror.corp/agent:v1", "agent:v1"),
            ("mirror.corp/library/agent:v1", "agent:v1"),
            ("mirror.corp:5000/docker-hub/library/agent:v1", "agent:v1"),
            ("localhost:7439/quay.io/acme/agent:v1", "quay.io/acme/agent:v1"),
            ("docker.io/library/agent:v1@sha256:aa", "agent:v1"),
            ("mirror.corp/agent@sha256:aa", "agent:v1"),
            ("mirror.corp/agent@sha256:aa", "agent:v1@sha256:aa"),
        ] {
            let [rewritten, original] = [rewritten, original].map(ImageReference::split);

            assert!(rewritten.is_same_but_for_registry(&original), "{rewritten:?}");
        }
    }

    #[test]
    fn another_path_tag_or_digest_is_another_image_in_whatever_registry() {
        for (other, original) in [
            ("agent:v2", "agent:v1"),
            ("mirror.corp/agent:v2", "agent:v1"),
            ("mirror.corp/my-agent:v1", "agent:v1"),
            ("acme/agent:v1", "agent:v1"),
            ("mirror.corp/agent", "acme/agent"),
            ("quay.io/evil/acme/agent:v1", "quay.io/acme/agent:v1"),
            ("mirror.corp/agent:v1", "agent:v1@sha256:aa"),
            ("agent@sha256:bb", "agent:v1@sha256:aa"),
            ("agent:v2@sha256:aa", "agent:v1"),
        ] {
            let [other, original] = [other, original].map(ImageReference::split);

            assert!(!other.is_same_but_for_registry(&original), "{other:?}");
        }
    }

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        let reference = ImageReference::split("localhost:5000/agent");

        assert_eq!(reference, ImageReference::split("localhost:5000/agent:latest"));
    }

    #[test]
    fn a_repository_is_compared_without_tag_and_digest() {
        let pinned = ImageReference::split("nginx:1.25@sha256:aa");
        let reported = ImageReference::split("docker.io/library/nginx@sha256:aa");

        assert!(pinned.is_same_repository(&reported));
        assert_eq!(reported.digest(), Some("sha256:aa"));
    }
}
