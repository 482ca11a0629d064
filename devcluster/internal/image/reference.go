package image

import (
	"fmt"
	"regexp"
	"strings"
)

// Reference is an image name with every part written out, as containerd spells it:
// `nginx:1.15.1` is docker.io/library/nginx:1.15.1.
type Reference struct {
	Host       string
	Repository string
	Tag        string
}

var (
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$`)
	tagPattern        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// ParseReference reads a name and tag. A missing tag is `latest`; a digest is refused,
// because an image that is being made has none yet.
func ParseReference(text string) (Reference, error) {
	if strings.Contains(text, "@") {
		return Reference{}, fmt.Errorf("image reference %q has a digest where a tag is needed", text)
	}
	ref := Reference{Host: "docker.io", Repository: text, Tag: "latest"}
	if first, rest, found := strings.Cut(text, "/"); found && (strings.ContainsAny(first, ".:") || first == "localhost") {
		ref.Host, ref.Repository = first, rest
	}
	if colon := strings.LastIndex(ref.Repository, ":"); colon >= 0 {
		ref.Repository, ref.Tag = ref.Repository[:colon], ref.Repository[colon+1:]
	}
	if ref.Host == "docker.io" && !strings.Contains(ref.Repository, "/") {
		ref.Repository = "library/" + ref.Repository
	}
	if !repositoryPattern.MatchString(ref.Repository) || !tagPattern.MatchString(ref.Tag) {
		return Reference{}, fmt.Errorf("image reference %q is not of the form [HOST/]NAME[:TAG]", text)
	}
	return ref, nil
}

func (r Reference) String() string {
	return r.Host + "/" + r.Repository + ":" + r.Tag
}
