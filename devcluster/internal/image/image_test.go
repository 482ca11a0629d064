package image

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseReferenceWritesEveryPartOut(t *testing.T) {
	for text, want := range map[string]string{
		"nginx":                      "docker.io/library/nginx:latest",
		"nginx:1.15.1":               "docker.io/library/nginx:1.15.1",
		"team/app:v1":                "docker.io/team/app:v1",
		"ghcr.io/team/app:v1":        "ghcr.io/team/app:v1",
		"localhost:5000/app":         "localhost:5000/app:latest",
		"docker.io/library/agent:v2": "docker.io/library/agent:v2",
	} {
		got, err := ParseReference(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseReference(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseReferenceRefusesWhatIsNoTag(t *testing.T) {
	for _, text := range []string{"", "Nginx", "nginx:", "nginx:a b", "nginx@sha256:00", "/nginx"} {
		if got, err := ParseReference(text); err == nil {
			t.Errorf("ParseReference(%q) = %q, want an error", text, got)
		}
	}
}

func TestTheSameRecipeGivesTheSameBytesInAnyOrderOfFiles(t *testing.T) {
	first := File{Path: "/bin/app", Mode: 0o755, Content: []byte("program")}
	second := File{Path: "etc/app/config", Mode: 0o644, Content: []byte("x: 1")}

	one := archive(t, Recipe{Architecture: "amd64", Layers: [][]File{{first, second}}, Labels: map[string]string{"a": "1", "b": "2"}})
	other := archive(t, Recipe{Architecture: "amd64", Layers: [][]File{{second, first}}, Labels: map[string]string{"b": "2", "a": "1"}})

	if !bytes.Equal(one, other) {
		t.Error("the archives differ")
	}
}

func TestDifferentContentGivesADifferentImage(t *testing.T) {
	one := build(t, Recipe{Layers: [][]File{{{Path: "version", Content: []byte("v1")}}}})
	other := build(t, Recipe{Layers: [][]File{{{Path: "version", Content: []byte("v2")}}}})

	if one.Manifest.Digest == other.Manifest.Digest {
		t.Error("the digests are the same")
	}
}

func TestALayerRefusesAFileGivenTwice(t *testing.T) {
	_, err := Build(Reference{}, Recipe{Layers: [][]File{{{Path: "/a"}, {Path: "a"}}}})

	if err == nil || !strings.Contains(err.Error(), "file /a is given twice") {
		t.Errorf("got %v", err)
	}
}

func TestAnArchiveIsReadBackAsTheImageItWasMadeOf(t *testing.T) {
	recipe := Recipe{Architecture: "amd64", Layers: [][]File{{{Path: "a", Content: []byte("a")}}}}
	built := build(t, recipe)

	images, err := ReadArchive(bytes.NewReader(archive(t, recipe)), "amd64")

	if err != nil || len(images) != 1 {
		t.Fatalf("got %d images, %v", len(images), err)
	}
	if images[0].Reference != built.Reference || images[0].Manifest.Digest != built.Manifest.Digest {
		t.Errorf("got %s %s", images[0].Reference, images[0].Manifest.Digest)
	}
}

func TestADockerArchiveIsReadWithoutItsOCIIndex(t *testing.T) {
	files := map[string][]byte{
		"manifest.json": []byte(`[{"Config":"c.json","RepoTags":["app:v1","app:v2"],"Layers":["l/layer.tar"]}]`),
		"c.json":        []byte(`{}`),
		"l/layer.tar":   []byte("layer"),
	}

	images, err := readDocker(files)

	if err != nil || len(images) != 2 || images[1].Reference.Tag != "v2" || len(images[0].Blobs) != 3 {
		t.Errorf("got %v, %v", images, err)
	}
}

func TestATarThatIsNoImageIsRefused(t *testing.T) {
	_, err := ReadArchive(bytes.NewReader(make([]byte, 1024)), "amd64")

	if err == nil || !strings.Contains(err.Error(), "it is no image") {
		t.Errorf("got %v", err)
	}
}

func TestPushUploadsOnlyBlobsThatAreMissing(t *testing.T) {
	image := build(t, Recipe{Layers: [][]File{{{Path: "a"}}}})
	var present string
	for digest := range image.Blobs {
		if digest != image.Manifest.Digest {
			present = digest
		}
	}
	var puts []string
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		switch {
		case request.Method == http.MethodHead && strings.HasSuffix(request.URL.Path, present):
		case request.Method == http.MethodHead:
			writer.WriteHeader(http.StatusNotFound)
		case request.Method == http.MethodPost:
			writer.Header().Set("Location", "/upload?state=x")
			writer.WriteHeader(http.StatusAccepted)
		default:
			puts = append(puts, request.URL.Path)
			writer.WriteHeader(http.StatusCreated)
		}
	}))
	defer server.Close()

	err := Registry{Address: strings.TrimPrefix(server.URL, "http://")}.Push(context.Background(), image)

	if err != nil || len(puts) != 2 || puts[1] != "/v2/library/app/manifests/v1" {
		t.Errorf("got %v, %v", puts, err)
	}
}

func build(t *testing.T, recipe Recipe) *Image {
	t.Helper()
	reference, err := ParseReference("app:v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := Build(reference, recipe)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func archive(t *testing.T, recipe Recipe) []byte {
	t.Helper()
	var buffer bytes.Buffer
	if err := build(t, recipe).WriteArchive(&buffer); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}
