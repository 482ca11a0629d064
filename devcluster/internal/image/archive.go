package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType,omitempty"`
	Manifests     []Descriptor `json:"manifests"`
}

type dockerManifest struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// WriteArchive writes a tar that is an OCI layout and a docker-archive at once, so that
// containerd, podman, skopeo and `docker load` all take it. An image for several platforms
// is an OCI layout only, since the other format has none such.
func (i *Image) WriteArchive(target io.Writer) error {
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	for digest, content := range i.Blobs {
		files[blobPath(digest)] = content
	}
	entry := i.Manifest
	entry.Annotations = map[string]string{
		"io.containerd.image.name":          i.Reference.String(),
		"org.opencontainers.image.ref.name": i.Reference.Tag,
	}
	documents := map[string]any{
		"index.json": index{SchemaVersion: 2, MediaType: mediaTypeIndex, Manifests: []Descriptor{entry}},
	}
	if i.Manifest.MediaType != mediaTypeIndex {
		docker, err := i.dockerManifest()
		if err != nil {
			return err
		}
		documents["manifest.json"] = []dockerManifest{docker}
	}
	for name, document := range documents {
		content, err := json.Marshal(document)
		if err != nil {
			return fmt.Errorf("failed to write %s of image %s: %w", name, i.Reference, err)
		}
		files[name] = content
	}

	writer := tar.NewWriter(target)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeEntry(writer, File{Path: name, Mode: 0o644, Content: files[name]}); err != nil {
			return fmt.Errorf("failed to write %s of image %s: %w", name, i.Reference, err)
		}
	}
	return writer.Close()
}

func (i *Image) dockerManifest() (dockerManifest, error) {
	var own manifest
	if err := json.Unmarshal(i.Blobs[i.Manifest.Digest], &own); err != nil {
		return dockerManifest{}, fmt.Errorf("failed to read the manifest of image %s: %w", i.Reference, err)
	}
	docker := dockerManifest{Config: blobPath(own.Config.Digest), RepoTags: []string{i.Reference.String()}}
	for _, layer := range own.Layers {
		docker.Layers = append(docker.Layers, blobPath(layer.Digest))
	}
	return docker, nil
}

// ReadArchive reads the images of a docker-archive or an OCI layout. Where an OCI index
// has several platforms, the one of `architecture` is taken.
func ReadArchive(source io.Reader, architecture string) ([]*Image, error) {
	files, err := readTar(source)
	if err != nil {
		return nil, err
	}
	if _, isLayout := files["index.json"]; isLayout {
		return readLayout(files, architecture)
	}
	if _, isDocker := files["manifest.json"]; isDocker {
		return readDocker(files)
	}
	return nil, fmt.Errorf("the tar has neither an index.json nor a manifest.json, so it is no image")
}

func readTar(source io.Reader) (map[string][]byte, error) {
	files, links := map[string][]byte{}, map[string]string{}
	reader := tar.NewReader(source)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("failed to read the tar: %w", err)
		}
		name := strings.TrimPrefix(header.Name, "./")
		switch header.Typeflag {
		case tar.TypeReg:
			if files[name], err = io.ReadAll(reader); err != nil {
				return nil, fmt.Errorf("failed to read %s of the tar: %w", name, err)
			}
		case tar.TypeSymlink, tar.TypeLink:
			// Older `docker save` links a layer that it has already written.
			links[name] = header.Linkname
		}
	}
	for name, target := range links {
		if content, exists := files[strings.TrimPrefix(target, "../")]; exists {
			files[name] = content
		}
	}
	return files, nil
}

func blobPath(digest string) string {
	return "blobs/" + strings.Replace(digest, ":", "/", 1)
}
