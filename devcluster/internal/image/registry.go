package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Registry is a plain-HTTP image registry, such as Debian's docker-registry.
type Registry struct {
	// Address is HOST:PORT.
	Address string
}

// Push uploads what the registry lacks of the image, then its manifest under its tag.
// The host of the reference is dropped: the registry stands in for every host.
func (r Registry) Push(ctx context.Context, image *Image) error {
	for _, digest := range slices.Sorted(maps.Keys(image.Blobs)) {
		if digest == image.Manifest.Digest {
			continue
		}
		if err := r.pushBlob(ctx, image.Reference.Repository, digest, image.Blobs[digest]); err != nil {
			return fmt.Errorf("failed to push a blob of image %s: %w", image.Reference, err)
		}
	}
	target := r.url(image.Reference.Repository, "manifests/"+image.Reference.Tag)
	response, err := r.send(ctx, http.MethodPut, target, image.Manifest.MediaType, image.Blobs[image.Manifest.Digest])
	if err != nil {
		return fmt.Errorf("failed to push the manifest of image %s: %w", image.Reference, err)
	}
	return expect(response, http.StatusCreated)
}

func (r Registry) pushBlob(ctx context.Context, repository, digest string, content []byte) error {
	response, err := r.send(ctx, http.MethodHead, r.url(repository, "blobs/"+digest), "", nil)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	if response, err = r.send(ctx, http.MethodPost, r.url(repository, "blobs/uploads/"), "", nil); err != nil {
		return err
	}
	if err := expect(response, http.StatusAccepted); err != nil {
		return err
	}
	location, err := response.Location()
	if err != nil {
		return fmt.Errorf("the registry named no place for the upload: %w", err)
	}
	query := location.Query()
	query.Set("digest", digest)
	location.RawQuery = query.Encode()
	if response, err = r.send(ctx, http.MethodPut, location.String(), "application/octet-stream", content); err != nil {
		return err
	}
	return expect(response, http.StatusCreated)
}

func (r Registry) url(repository, rest string) string {
	return (&url.URL{Scheme: "http", Host: r.Address, Path: "/v2/" + repository + "/" + rest}).String()
}

func (r Registry) send(ctx context.Context, method, target, mediaType string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if mediaType != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	return registryClient.Do(request)
}

// A proxy that serves the outside world does not know the addresses of a cluster.
var registryClient = &http.Client{Transport: &http.Transport{Proxy: nil}}

func expect(response *http.Response, status int) error {
	defer response.Body.Close()
	detail, _ := io.ReadAll(io.LimitReader(response.Body, 500))
	if response.StatusCode != status {
		return fmt.Errorf("the registry answered %s: %s", response.Status, bytes.TrimSpace(detail))
	}
	return nil
}
