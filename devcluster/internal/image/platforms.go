package image

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Platform says on which machines an image runs.
type Platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// Combine makes one image of several that differ in their architecture, sorted by it. Each
// keeps its own digest. The same images give the same bytes.
func Combine(reference Reference, images []*Image) (*Image, error) {
	combined := &Image{Reference: reference, Blobs: map[string][]byte{}}
	var entries []Descriptor
	for _, one := range images {
		platform, err := one.platform()
		if err != nil {
			return nil, err
		}
		for digest, content := range one.Blobs {
			combined.Blobs[digest] = content
		}
		entry := one.Manifest
		entry.Platform = &platform
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b Descriptor) int {
		return strings.Compare(a.Platform.Architecture, b.Platform.Architecture)
	})
	for i := 1; i < len(entries); i++ {
		if *entries[i-1].Platform == *entries[i].Platform {
			return nil, fmt.Errorf("two of the images are for linux/%s", entries[i].Platform.Architecture)
		}
	}
	content, err := json.Marshal(index{SchemaVersion: 2, MediaType: mediaTypeIndex, Manifests: entries})
	if err != nil {
		return nil, fmt.Errorf("failed to write the index of image %s: %w", reference, err)
	}
	combined.Manifest = combined.add(mediaTypeIndex, content)
	return combined, nil
}

func (i *Image) platform() (Platform, error) {
	var own manifest
	if err := json.Unmarshal(i.Blobs[i.Manifest.Digest], &own); err != nil {
		return Platform{}, fmt.Errorf("failed to read the manifest of image %s: %w", i.Reference, err)
	}
	var config Platform
	if err := json.Unmarshal(i.Blobs[own.Config.Digest], &config); err != nil {
		return Platform{}, fmt.Errorf("failed to read the config of image %s: %w", i.Reference, err)
	}
	if config.OS != "linux" || config.Architecture == "" {
		return Platform{}, fmt.Errorf("image %s does not say that it is for linux, and on which architecture", i.Reference)
	}
	return config, nil
}
