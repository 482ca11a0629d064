package image

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestACombinedImageIsReadBackAsTheOneOfEachArchitecture(t *testing.T) {
	amd64 := build(t, Recipe{Architecture: "amd64", Layers: [][]File{{{Path: "a", Content: []byte("amd64")}}}})
	arm64 := build(t, Recipe{Architecture: "arm64", Layers: [][]File{{{Path: "a", Content: []byte("arm64")}}}})

	combined, err := Combine(amd64.Reference, []*Image{arm64, amd64})
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := combined.WriteArchive(&archive); err != nil {
		t.Fatal(err)
	}

	for architecture, want := range map[string]*Image{"amd64": amd64, "arm64": arm64} {
		images, err := ReadArchive(bytes.NewReader(archive.Bytes()), architecture)

		if err != nil || len(images) != 1 {
			t.Fatalf("%s: got %d images, %v", architecture, len(images), err)
		}
		got := images[0]
		if got.Manifest.Digest != want.Manifest.Digest || !slices.Equal(slices.Sorted(maps.Keys(got.Blobs)), slices.Sorted(maps.Keys(want.Blobs))) {
			t.Errorf("%s: got %s", architecture, got.Manifest.Digest)
		}
	}
}

func TestACombinedImageIsTheSameInAnyOrder(t *testing.T) {
	amd64, arm64 := build(t, Recipe{Architecture: "amd64"}), build(t, Recipe{Architecture: "arm64"})

	one, errOne := Combine(amd64.Reference, []*Image{arm64, amd64})
	other, errOther := Combine(amd64.Reference, []*Image{amd64, arm64})

	if errOne != nil || errOther != nil || one.Manifest.Digest != other.Manifest.Digest {
		t.Errorf("got %v %v, %v %v", one, errOne, other, errOther)
	}
}

func TestTwoImagesOfOneArchitectureAreNotCombined(t *testing.T) {
	image := build(t, Recipe{Architecture: "amd64"})

	_, err := Combine(image.Reference, []*Image{image, image})

	if err == nil || !strings.Contains(err.Error(), "two of the images are for linux/amd64") {
		t.Errorf("got %v", err)
	}
}

func TestAnImageWithoutAnArchitectureIsNotCombined(t *testing.T) {
	image := build(t, Recipe{})

	_, err := Combine(image.Reference, []*Image{image})

	if err == nil || !strings.Contains(err.Error(), "on which architecture") {
		t.Errorf("got %v", err)
	}
}
