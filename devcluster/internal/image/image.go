// Package image makes, reads and pushes container images without a container daemon.
package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

const (
	mediaTypeIndex    = "application/vnd.oci.image.index.v1+json"
	mediaTypeManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaTypeConfig   = "application/vnd.oci.image.config.v1+json"
	mediaTypeLayer    = "application/vnd.oci.image.layer.v1.tar"
	mediaTypeGzip     = "application/vnd.oci.image.layer.v1.tar+gzip"

	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// Recipe says what an image holds and how it starts.
type Recipe struct {
	Architecture string
	// Layers are stacked in this order. Equal layers of several images are stored once.
	Layers     [][]File
	Entrypoint []string
	Cmd        []string
	User       string
	WorkingDir string
	Env        []string
	Labels     map[string]string
}

// Image is a manifest, or an index of one for each platform, with everything it points at.
type Image struct {
	Reference Reference
	Manifest  Descriptor
	// Blobs holds the index, manifests, configs and layers by digest.
	Blobs map[string][]byte
}

// Descriptor points at a blob, as the OCI image format does.
type Descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	// Platform is set within an index of several.
	Platform *Platform `json:"platform,omitempty"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        Descriptor   `json:"config"`
	Layers        []Descriptor `json:"layers"`
}

type runConfig struct {
	User       string            `json:"User,omitempty"`
	Env        []string          `json:"Env,omitempty"`
	Entrypoint []string          `json:"Entrypoint,omitempty"`
	Cmd        []string          `json:"Cmd,omitempty"`
	WorkingDir string            `json:"WorkingDir,omitempty"`
	Labels     map[string]string `json:"Labels,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type imageConfig struct {
	Created      string    `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
}

// Build makes the image of a recipe. The same recipe gives the same bytes.
func Build(reference Reference, recipe Recipe) (*Image, error) {
	image := &Image{Reference: reference, Blobs: map[string][]byte{}}
	config := imageConfig{
		Created:      epoch.Format("2006-01-02T15:04:05Z"),
		Architecture: recipe.Architecture,
		OS:           "linux",
		Config: runConfig{
			User:       recipe.User,
			Env:        recipe.Env,
			Entrypoint: recipe.Entrypoint,
			Cmd:        recipe.Cmd,
			WorkingDir: recipe.WorkingDir,
			Labels:     recipe.Labels,
		},
		RootFS: rootFS{Type: "layers"},
	}
	var layers []Descriptor
	for _, files := range recipe.Layers {
		layer, err := tarLayer(files)
		if err != nil {
			return nil, fmt.Errorf("failed to make a layer of image %s: %w", reference, err)
		}
		descriptor := image.add(mediaTypeLayer, layer)
		layers = append(layers, descriptor)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, descriptor.Digest)
	}
	configJSON, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("failed to write the config of image %s: %w", reference, err)
	}
	image.seal(image.add(mediaTypeConfig, configJSON), layers)
	return image, nil
}

func (i *Image) add(mediaType string, content []byte) Descriptor {
	digest := digestOf(content)
	i.Blobs[digest] = content
	return Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(content))}
}

func (i *Image) seal(config Descriptor, layers []Descriptor) {
	content, err := json.Marshal(manifest{
		SchemaVersion: 2, MediaType: mediaTypeManifest, Config: config, Layers: layers,
	})
	if err != nil {
		panic(fmt.Sprintf("a manifest of plain strings and numbers is always JSON: %v", err))
	}
	i.Manifest = i.add(mediaTypeManifest, content)
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
