package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

func readDocker(files map[string][]byte) ([]*Image, error) {
	var entries []dockerManifest
	if err := json.Unmarshal(files["manifest.json"], &entries); err != nil {
		return nil, fmt.Errorf("failed to read manifest.json: %w", err)
	}
	var images []*Image
	for _, entry := range entries {
		for _, tag := range entry.RepoTags {
			reference, err := ParseReference(tag)
			if err != nil {
				return nil, err
			}
			image := &Image{Reference: reference, Blobs: map[string][]byte{}}
			config, exists := files[entry.Config]
			if !exists {
				return nil, fmt.Errorf("the tar lacks %s, the config of image %s", entry.Config, reference)
			}
			var layers []Descriptor
			for _, name := range entry.Layers {
				layer, exists := files[name]
				if !exists {
					return nil, fmt.Errorf("the tar lacks %s, a layer of image %s", name, reference)
				}
				layers = append(layers, image.add(layerMediaType(layer), layer))
			}
			image.seal(image.add(mediaTypeConfig, config), layers)
			images = append(images, image)
		}
	}
	return named(images)
}

func readLayout(files map[string][]byte, architecture string) ([]*Image, error) {
	var top index
	if err := json.Unmarshal(files["index.json"], &top); err != nil {
		return nil, fmt.Errorf("failed to read index.json: %w", err)
	}
	var images []*Image
	for _, entry := range top.Manifests {
		name := entry.Annotations["io.containerd.image.name"]
		if name == "" {
			name = entry.Annotations["org.opencontainers.image.ref.name"]
		}
		if name == "" {
			continue
		}
		reference, err := ParseReference(name)
		if err != nil {
			return nil, err
		}
		image := &Image{Reference: reference, Blobs: map[string][]byte{}}
		if err := image.collect(files, entry, architecture); err != nil {
			return nil, fmt.Errorf("failed to read image %s: %w", reference, err)
		}
		images = append(images, image)
	}
	return named(images)
}

// collect takes the manifest that `entry` points at, through an index of platforms if need be.
func (i *Image) collect(files map[string][]byte, entry Descriptor, architecture string) error {
	content, exists := files[blobPath(entry.Digest)]
	if !exists {
		return fmt.Errorf("the tar lacks the blob %s", entry.Digest)
	}
	if entry.MediaType == mediaTypeIndex || entry.MediaType == mediaTypeDockerList {
		platform, err := choosePlatform(content, architecture)
		if err != nil {
			return err
		}
		return i.collect(files, platform, architecture)
	}
	var own manifest
	if err := json.Unmarshal(content, &own); err != nil {
		return fmt.Errorf("the blob %s is no manifest: %w", entry.Digest, err)
	}
	for _, blob := range append(own.Layers, own.Config) {
		part, exists := files[blobPath(blob.Digest)]
		if !exists {
			return fmt.Errorf("the tar lacks the blob %s", blob.Digest)
		}
		i.Blobs[blob.Digest] = part
	}
	i.Blobs[entry.Digest] = content
	i.Manifest = Descriptor{MediaType: entry.MediaType, Digest: entry.Digest, Size: int64(len(content))}
	return nil
}

func choosePlatform(content []byte, architecture string) (Descriptor, error) {
	var platforms index
	if err := json.Unmarshal(content, &platforms); err != nil {
		return Descriptor{}, fmt.Errorf("failed to read the index of platforms: %w", err)
	}
	for _, candidate := range platforms.Manifests {
		if candidate.Platform != nil && *candidate.Platform == (Platform{Architecture: architecture, OS: "linux"}) {
			return candidate, nil
		}
	}
	return Descriptor{}, fmt.Errorf("it is not made for linux/%s", architecture)
}

func layerMediaType(layer []byte) string {
	if bytes.HasPrefix(layer, []byte{0x1f, 0x8b}) {
		return mediaTypeGzip
	}
	return mediaTypeLayer
}

func named(images []*Image) ([]*Image, error) {
	if len(images) == 0 {
		return nil, fmt.Errorf("the tar names no image: save it with its tag, not by its id")
	}
	for _, image := range images {
		if strings.HasPrefix(image.Reference.Repository, "library/sha256") {
			return nil, fmt.Errorf("image %s is named by its id: save it with its tag", image.Reference)
		}
	}
	return images, nil
}
