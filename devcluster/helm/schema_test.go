package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	openapi "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/util/proto/validation"
)

// What belongs to other projects, of which Kubernetes has no schema.
var foreignGroups = []string{"cert-manager.io", "monitoring.coreos.com"}

// kubernetes is what a version of Kubernetes says of its API.
type kubernetes struct {
	version string
	models  proto.Models
	kinds   map[schema.GroupVersionKind]string
}

// supported are the oldest and the newest version that are tested, from the modules that devcluster is built of.
func supported(t *testing.T) []kubernetes {
	t.Helper()
	return []kubernetes{schemaOf(t, "../versions/v1.34/go.mod"), schemaOf(t, "../go.mod")}
}

func schemaOf(t *testing.T, module string) kubernetes {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, module), "\tk8s.io/kubernetes ")
	version, _, _ := strings.Cut(rest, "\n")
	// It is in the cache where that version of devcluster was built, and fetched otherwise.
	output, err := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+version).Output()
	if err != nil {
		t.Fatalf("k8s.io/kubernetes@%s: %v", version, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(output, &found); err != nil {
		t.Fatal(err)
	}
	document, err := openapi.ParseDocument([]byte(read(t, found.Dir+"/api/openapi-spec/swagger.json")))
	if err != nil {
		t.Fatal(err)
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes{version: version, models: models, kinds: kindsOf(models)}
}

func kindsOf(models proto.Models) map[schema.GroupVersionKind]string {
	kinds := map[schema.GroupVersionKind]string{}
	for _, name := range models.ListModels() {
		list, _ := models.LookupModel(name).GetExtensions()["x-kubernetes-group-version-kind"].([]any)
		for _, entry := range list {
			text := func(key string) string {
				switch typed := entry.(type) {
				case map[string]any:
					return typed[key].(string)
				case map[any]any:
					return typed[key].(string)
				}
				return ""
			}
			kinds[schema.GroupVersionKind{Group: text("group"), Version: text("version"), Kind: text("kind")}] = name
		}
	}
	return kinds
}

// check returns what this version would not take of an object.
func (k kubernetes) check(object map[string]any) []error {
	group, kind := object["apiVersion"].(string), object["kind"].(string)
	parsed := schema.FromAPIVersionAndKind(group, kind)
	for _, foreign := range foreignGroups {
		if parsed.Group == foreign {
			return nil
		}
	}
	name, known := k.kinds[parsed]
	if !known {
		return []error{errors.New("there is no " + parsed.String())}
	}
	return validation.ValidateModel(object, k.models.LookupModel(name), kind)
}

func documents(t *testing.T, text string) []map[string]any {
	t.Helper()
	var found []map[string]any
	reader := yaml.NewYAMLReader(bufferedLines(text))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		object := map[string]any{}
		if err := yaml.Unmarshal(document, &object); err != nil {
			t.Fatal(err)
		}
		if len(object) > 0 {
			found = append(found, object)
		}
	}
}

func TestEverySupportedKubernetesKnowsWhatIsInstalled(t *testing.T) {
	sets := map[string]values{"the defaults": {}, "everything": everything}
	for platform := range platforms {
		sets[platform] = of(t, platform)
	}
	for _, kubernetes := range supported(t) {
		for what, set := range sets {
			text, err := manifestFor(t, kubernetes.version, set)
			if err != nil {
				t.Errorf("%s, %s: %v", kubernetes.version, what, err)
				continue
			}
			found := documents(t, text)
			for _, object := range found {
				for _, err := range kubernetes.check(object) {
					t.Errorf("%s, %s: %v: %v", kubernetes.version, what, object["kind"], err)
				}
			}
			if len(found) < 10 {
				t.Errorf("%s: there are %d objects", what, len(found))
			}
		}
	}
}

func TestWhatAKubernetesDoesNotKnowIsFound(t *testing.T) {
	oldest := supported(t)[0]
	pod := func(spec map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "a"}, "spec": spec}
	}
	container := map[string]any{"name": "a"}
	for _, object := range []map[string]any{
		pod(map[string]any{"containers": []any{container}, "hostNetworks": true}),
		pod(map[string]any{"containers": []any{container}, "hostNetwork": map[string]any{}}),
		pod(map[string]any{}),
		{"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget"},
	} {
		if len(oldest.check(object)) == 0 {
			t.Errorf("nothing is wrong with %v", object)
		}
	}
	if errors := oldest.check(pod(map[string]any{"containers": []any{container}})); len(errors) > 0 {
		t.Error(errors)
	}
}
