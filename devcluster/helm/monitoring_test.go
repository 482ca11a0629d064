package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

const metricsService = "sidecarset-operator-metrics"

// monitored switches on everything for monitoring.
var monitored = values{"monitoring": values{
	"serviceMonitor": values{"enabled": true, "interval": "15s", "labels": values{"release": "prometheus"}},
	"prometheusRule": values{"enabled": true, "labels": values{"release": "prometheus"}},
	"dashboard":      values{"enabled": true, "annotations": values{"grafana_folder": "Kubernetes"}},
}}

// foreign is the one object of a kind of another project.
func foreign(t *testing.T, objects []runtime.Object, kind string) *unstructured.Unstructured {
	t.Helper()
	var found []*unstructured.Unstructured
	for _, object := range objects {
		if other, is := object.(*unstructured.Unstructured); is && other.GetKind() == kind {
			found = append(found, other)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d of %s", len(found), kind)
	}
	return found[0]
}

// service is the Service of a name.
func service(t *testing.T, objects []runtime.Object, name string) *core.Service {
	t.Helper()
	for _, object := range objects {
		if found, is := object.(*core.Service); is && found.Name == name {
			return found
		}
	}
	t.Fatalf("there is no Service %s", name)
	return nil
}

func member(t *testing.T, object *unstructured.Unstructured, path ...string) any {
	t.Helper()
	found, exists, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil || !exists {
		t.Fatalf("%v is not there: %v", path, err)
	}
	return found
}

func TestTheServiceMonitorFindsThePortOnWhichTheOperatorTells(t *testing.T) {
	all := objects(t, monitored)
	monitor := foreign(t, all, "ServiceMonitor")
	webhook, service := service(t, all, "sidecarset-webhook"), service(t, all, metricsService)
	pod := only[*apps.Deployment](t, all).Spec.Template

	selected := map[string]string{}
	for key, value := range member(t, monitor, "spec", "selector", "matchLabels").(map[string]any) {
		selected[key] = value.(string)
	}
	endpoint := member(t, monitor, "spec", "endpoints").([]any)[0].(map[string]any)

	if !labels.SelectorFromSet(selected).Matches(labels.Set(service.Labels)) {
		t.Errorf("it selects %v", selected)
	}
	if labels.SelectorFromSet(selected).Matches(labels.Set(webhook.Labels)) {
		t.Error("it selects the Service of the webhook too")
	}
	if endpoint["port"] != service.Spec.Ports[0].Name || endpoint["interval"] != "15s" {
		t.Errorf("it scrapes %v", endpoint)
	}
	ports := pod.Spec.Containers[0].Ports
	if !slices.ContainsFunc(ports, func(port core.ContainerPort) bool {
		return port.Name == service.Spec.Ports[0].TargetPort.StrVal
	}) {
		t.Errorf("the operator has the ports %v", ports)
	}
	if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) {
		t.Errorf("the Service selects %v", service.Spec.Selector)
	}
	if !service.Spec.PublishNotReadyAddresses {
		t.Error("an operator that is not ready is not scraped")
	}
}

func TestTheAlertsAreThoseOfTheirFile(t *testing.T) {
	rule := foreign(t, objects(t, monitored), "PrometheusRule")
	var file struct{ Groups []any }
	if err := yaml.Unmarshal([]byte(read(t, chartFolder+"/files/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}

	// As text, so that the same number is equal however it was read.
	if found, want := asJSON(t, member(t, rule, "spec", "groups")), asJSON(t, file.Groups); found != want {
		t.Errorf("found %s", found)
	}
	if len(file.Groups) == 0 {
		t.Error("there is none")
	}
}

func TestTheDashboardIsItsFile(t *testing.T) {
	dashboard := only[*core.ConfigMap](t, objects(t, monitored))

	var found, want any
	if err := json.Unmarshal([]byte(dashboard.Data["sidecarset.json"]), &found); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(read(t, chartFolder+"/files/dashboard.json")), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(found, want) {
		t.Error("they differ")
	}
	if dashboard.Labels["grafana_dashboard"] != "1" || dashboard.Annotations["grafana_folder"] != "Kubernetes" {
		t.Errorf("it has %v and %v", dashboard.Labels, dashboard.Annotations)
	}
}

func TestWhatAPrometheusLooksForIsOnItsObjects(t *testing.T) {
	all := objects(t, monitored)

	for _, kind := range []string{"ServiceMonitor", "PrometheusRule"} {
		if label := foreign(t, all, kind).GetLabels()["release"]; label != "prometheus" {
			t.Errorf("%s has %q", kind, label)
		}
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
