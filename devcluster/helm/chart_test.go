package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader"
	helm "helm.sh/helm/v4/pkg/release/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	builtin "k8s.io/client-go/kubernetes/scheme"
)

const (
	chartFolder = "../../deploy/chart"
	// The namespace that the documentation names.
	namespace = "sidecarset-system"
)

// values are what a person sets beyond the defaults.
type values = map[string]any

// manifest is what the chart is with these values: the text that Helm would apply.
func manifest(t *testing.T, set values) (string, error) {
	t.Helper()
	return manifestFor(t, oldest, set)
}

// oldest is the oldest Kubernetes that is supported.
const oldest = "v1.34.0"

func manifestFor(t *testing.T, kubernetes string, set values) (string, error) {
	t.Helper()
	made, err := installed(t, release{namespace: namespace, kubernetes: kubernetes}, set)
	if err != nil {
		return "", err
	}
	return made.Manifest, nil
}

// release is where the chart is installed.
type release struct{ namespace, kubernetes string }

// installed is what Helm would make of the chart with these values.
func installed(t *testing.T, where release, set values) (*helm.Release, error) {
	t.Helper()
	chart, err := loader.Load(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(action.NewConfiguration())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName = "sidecarset"
	install.Namespace = where.namespace
	install.KubeVersion = parsed(t, where.kubernetes)
	made, err := install.RunWithContext(context.Background(), chart, set)
	if err != nil {
		return nil, err
	}
	return made.(*helm.Release), nil
}

func parsed(t *testing.T, kubernetes string) *common.KubeVersion {
	t.Helper()
	version, err := common.ParseKubeVersion(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// objects are what the chart consists of with these values. Those of Kubernetes are read
// strictly: a member that its API does not have is an error.
func objects(t *testing.T, set values) []runtime.Object {
	t.Helper()
	text, err := manifest(t, set)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func parse(t *testing.T, text string) []runtime.Object {
	t.Helper()
	var found []runtime.Object
	documents := yaml.NewYAMLReader(bufferedLines(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		found = append(found, parseOne(t, document))
	}
}

func parseOne(t *testing.T, document []byte) runtime.Object {
	t.Helper()
	codecs := serializer.NewCodecFactory(scheme(t), serializer.EnableStrict)
	object, _, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
	if err == nil {
		return object
	}
	if !runtime.IsNotRegisteredError(err) {
		t.Fatalf("%v in\n%s", err, document)
	}
	// Of another project: the caller looks at it itself.
	foreign := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(document, &foreign.Object); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return foreign
}

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{builtin.AddToScheme, apiextensions.AddToScheme} {
		if err := add(all); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// only is the one object of type T among these.
func only[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	found := all[T](objects)
	if len(found) != 1 {
		t.Fatalf("there are %d of %T", len(found), *new(T))
	}
	return found[0]
}

// all are the objects of type T among these.
func all[T runtime.Object](objects []runtime.Object) []T {
	var found []T
	for _, object := range objects {
		if typed, is := object.(T); is {
			found = append(found, typed)
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStrictLintFindsNothing(t *testing.T) {
	lint := action.NewLint()
	lint.Strict = true
	lint.Namespace = namespace
	lint.KubeVersion = parsed(t, oldest)

	found := lint.Run([]string{chartFolder}, values{})

	if action.HasWarningsOrErrors(found) {
		t.Error(found.Messages, found.Errors)
	}
}

func TestTheChartHasTheVersionOfTheOperator(t *testing.T) {
	operator := lineAfter(t, read(t, "../../Cargo.toml"), "[workspace.package]\nversion = ")
	chart := lineAfter(t, read(t, chartFolder+"/Chart.yaml"), "\nversion: ")

	if strings.Trim(operator, `"`) != chart {
		t.Errorf("the operator has %s, the chart %s", operator, chart)
	}
}

func lineAfter(t *testing.T, text, start string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, start)
	if !found {
		t.Fatalf("there is no %q", start)
	}
	line, _, _ := strings.Cut(rest, "\n")
	return line
}
