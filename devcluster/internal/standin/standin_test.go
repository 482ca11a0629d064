package standin

import (
	"slices"
	"testing"
)

func TestEveryStandInHasADigestOfItsOwn(t *testing.T) {
	images, err := Build([]byte("busybox"), []string{"sh", "sleep", "busybox", "sh"}, "amd64")
	if err != nil {
		t.Fatal(err)
	}

	var digests []string
	for _, image := range images {
		digests = append(digests, image.Manifest.Digest)
	}
	slices.Sort(digests)

	if len(slices.Compact(digests)) != len(References()) {
		t.Errorf("%d images share digests: %v", len(References()), digests)
	}
}

func TestTheImagesOfTheGuideAreThere(t *testing.T) {
	for _, name := range []string{"centos:6.7", "centos:6.8", "nginx:1.15.1", "agent:v1", "agent:v2", "agent:v3"} {
		if !slices.Contains(References(), "docker.io/library/"+name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestTheImagesOfTheExamplesAreThere(t *testing.T) {
	for _, name := range []string{"busybox:1.36", "busybox:1.36-musl", "busybox:1.37", "nginx:1.27"} {
		if !slices.Contains(References(), "docker.io/library/"+name) {
			t.Errorf("%s is missing", name)
		}
	}
}
