package main

import (
	"bufio"
	"reflect"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	security "k8s.io/pod-security-admission/api"
	restrictions "k8s.io/pod-security-admission/policy"
)

func bufferedLines(text string) *bufio.Reader {
	return bufio.NewReader(strings.NewReader(text))
}

// kinds are the kinds of these objects with their names, in order.
func kinds(objects []runtime.Object) []string {
	var names []string
	for _, object := range objects {
		kind := object.GetObjectKind().GroupVersionKind().Kind
		names = append(names, kind+" "+nameOf(object))
	}
	slices.Sort(names)
	return names
}

func nameOf(object runtime.Object) string {
	return object.(interface{ GetName() string }).GetName()
}

// everything switches on all that is off by default.
var everything = values{
	"certManager": values{"enabled": true},
	"clientAuthentication": values{
		"configMap": "api-server-ca", "names": []any{"kube-apiserver"}, "tokenSecret": "api-server-token",
	},
	"image":            values{"repository": "example.com/sidecarset", "digest": "sha256:" + strings.Repeat("0a", 32)},
	"imagePullSecrets": []any{values{"name": "registry"}},
	"networkPolicy": values{
		"reviewsFrom": []any{values{"ipBlock": values{"cidr": "10.0.0.0/24"}}},
		"scrapesFrom": []any{values{"namespaceSelector": values{"matchLabels": values{"team": "monitoring"}}}},
		"egress":      []any{values{"to": []any{values{"ipBlock": values{"cidr": "10.0.0.0/24"}}}}},
	},
	"operator": values{
		"failurePolicy": "Ignore", "allowPodMetadataPatches": true, "logFilter": "debug",
		"extraArguments": []any{"--certificate-lifetime=24h"},
		"extraEnv":       []any{values{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}},
	},
	"monitoring":            monitored["monitoring"],
	"commonLabels":          values{"cost-centre": "1"},
	"nodeSelector":          values{"pool": "system"},
	"deploymentAnnotations": values{"example.com/note": "hello"},
	"strategy":              values{"type": "RollingUpdate", "rollingUpdate": values{"maxSurge": "100%", "maxUnavailable": 0}},
	"dnsPolicy":             "None",
	"dnsConfig":             values{"nameservers": []any{"fd00::a"}},
	"extraVolumes":          []any{values{"name": "trust", "configMap": values{"name": "trust"}}},
	"extraVolumeMounts":     []any{values{"name": "trust", "mountPath": "/etc/ssl/certs"}},
	"webhook": values{
		"port": 10250, "annotations": values{"example.com/note": "hello"}, "labels": values{"a": "b"},
		"service": values{"ipFamilyPolicy": "PreferDualStack", "ipFamilies": []any{"IPv6"}, "annotations": values{"a": "b"}},
	},
	"health":                    values{"port": 8082},
	"tolerations":               []any{values{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}},
	"affinity":                  values{"nodeAffinity": values{}},
	"podLabels":                 values{"team": "platform"},
	"podAnnotations":            values{"example.com/note": "hello"},
	"serviceAccount":            values{"name": "operator", "annotations": values{"example.com/role": "none"}},
	"topologySpreadConstraints": []any{},
}

func TestWhatIsInstalledByDefault(t *testing.T) {
	want := []string{
		"ClusterRole sidecarset-operator",
		"ClusterRoleBinding sidecarset-operator",
		"CustomResourceDefinition sidecarsets.apps.kruise.io",
		"Deployment sidecarset-operator",
		"NetworkPolicy sidecarset-operator",
		"PodDisruptionBudget sidecarset-operator",
		"ResourceQuota sidecarset-operator",
		"Role sidecarset-operator",
		"RoleBinding sidecarset-operator",
		"Service sidecarset-webhook",
		"ServiceAccount sidecarset-operator",
	}

	if found := kinds(objects(t, values{})); !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
}

func TestWhatIsInstalledBeyondThatWithEverythingSwitchedOn(t *testing.T) {
	want := []string{
		"Certificate sidecarset-webhook",
		"Certificate sidecarset-webhook-ca",
		"ConfigMap sidecarset-dashboard",
		"Issuer sidecarset-self-signed",
		"Issuer sidecarset-webhook",
		"PrometheusRule sidecarset-operator",
		"Service sidecarset-operator-metrics",
		"ServiceAccount operator",
		"ServiceMonitor sidecarset-operator",
	}
	normal := kinds(objects(t, values{}))

	found := kinds(objects(t, everything))

	found = slices.DeleteFunc(found, func(kind string) bool { return slices.Contains(normal, kind) })
	if !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
}

func TestTheOperatorMayRunWherePodsAreRestricted(t *testing.T) {
	evaluator, err := restrictions.NewEvaluator(restrictions.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	for _, set := range []values{{}, everything} {
		pod := only[*apps.Deployment](t, objects(t, set)).Spec.Template

		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				t.Error(result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
		if context := pod.Spec.Containers[0].SecurityContext; !*context.ReadOnlyRootFilesystem {
			t.Error("the root filesystem can be written")
		}
	}
}

func TestTheDefinitionStaysWhenTheChartIsUninstalled(t *testing.T) {
	definition := only[*apiextensions.CustomResourceDefinition](t, objects(t, values{}))

	if policy := definition.Annotations["helm.sh/resource-policy"]; policy != "keep" {
		t.Errorf("its policy is %q", policy)
	}
}

func TestTheDefinitionIsTheOneThatIsAppliedWithoutHelm(t *testing.T) {
	definition := only[*apiextensions.CustomResourceDefinition](t, objects(t, values{}))
	plain := only[*apiextensions.CustomResourceDefinition](t, parse(t, read(t, "../../deploy/crd.yaml")))

	if definition.Name != plain.Name || !reflect.DeepEqual(definition.Spec, plain.Spec) {
		t.Error("they differ: run `make generate`")
	}
}

func TestTheDefinitionCanBeLeftToOthers(t *testing.T) {
	for _, object := range objects(t, values{"crds": values{"install": false}}) {
		if _, is := object.(*apiextensions.CustomResourceDefinition); is {
			t.Error("it is there")
		}
	}
}

func TestEverythingFindsTheOperatorsPods(t *testing.T) {
	all := objects(t, everything)
	labels := only[*apps.Deployment](t, all).Spec.Template.Labels

	for what, selector := range map[string]map[string]string{
		"Deployment":          only[*apps.Deployment](t, all).Spec.Selector.MatchLabels,
		"Service":             service(t, all, "sidecarset-webhook").Spec.Selector,
		"PodDisruptionBudget": only[*policy.PodDisruptionBudget](t, all).Spec.Selector.MatchLabels,
		"NetworkPolicy":       only[*networking.NetworkPolicy](t, all).Spec.PodSelector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("%s looks for %s=%s", what, key, value)
			}
		}
		if len(selector) == 0 {
			t.Errorf("%s looks for every Pod", what)
		}
	}
}

func TestSpreadConstraintsCountTheOperatorsPodsUnlessTheySayOtherwise(t *testing.T) {
	other := values{
		"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
		"labelSelector": values{"matchLabels": values{"a": "b"}},
	}
	ours := values{"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}

	spec := only[*apps.Deployment](t, objects(t, values{"topologySpreadConstraints": []any{ours, other}})).Spec.Template.Spec

	found := spec.TopologySpreadConstraints
	if label := found[0].LabelSelector.MatchLabels["app.kubernetes.io/name"]; label != "sidecarset-operator" {
		t.Errorf("ours counts %v", found[0].LabelSelector)
	}
	if labels := found[1].LabelSelector.MatchLabels; labels["a"] != "b" {
		t.Errorf("the other one counts %v", labels)
	}
}

func TestADigestCountsInsteadOfTheTag(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, example := range []struct {
		image values
		want  string
	}{
		{values{}, "docker.io/library/sidecarset:dev"},
		{values{"tag": "v1"}, "docker.io/library/sidecarset:v1"},
		{values{"tag": "v1", "digest": digest}, "docker.io/library/sidecarset@" + digest},
	} {
		operator := only[*apps.Deployment](t, objects(t, values{"image": example.image}))

		if found := operator.Spec.Template.Spec.Containers[0].Image; found != example.want {
			t.Errorf("%v: %s", example.image, found)
		}
	}
}

// aboutSecrets is what the operator may do with Secrets.
func aboutSecrets(t *testing.T, set values) []rbac.PolicyRule {
	t.Helper()
	var about []rbac.PolicyRule
	for _, rule := range only[*rbac.Role](t, objects(t, set)).Rules {
		if slices.Contains(rule.Resources, "secrets") {
			about = append(about, rule)
		}
	}
	return about
}

func TestTheOperatorMayWriteOneSecretAndNoOther(t *testing.T) {
	own := rbac.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"secrets"},
		Verbs:         []string{"get", "list", "watch", "create", "patch", "update"},
		ResourceNames: []string{"sidecarset-webhook-certificate"},
	}
	ofCertManager := rbac.PolicyRule{
		APIGroups: []string{""}, Resources: []string{"secrets"},
		Verbs: []string{"get", "list", "watch"}, ResourceNames: []string{"sidecarset-webhook-tls"},
	}

	if found := aboutSecrets(t, values{}); !reflect.DeepEqual(found, []rbac.PolicyRule{own}) {
		t.Errorf("it may %v", found)
	}
	found := aboutSecrets(t, values{"certManager": values{"enabled": true}})
	if !reflect.DeepEqual(found, []rbac.PolicyRule{own, ofCertManager}) {
		t.Errorf("with cert-manager it may %v", found)
	}
}

func TestWhatAPIServersShowIsWhereTheOperatorLooksForIt(t *testing.T) {
	for _, example := range []struct {
		set       values
		arguments []string
		mounts    []string
	}{
		{values{}, nil, nil},
		{
			values{"configMap": "authorities", "names": []any{"a", "b"}},
			[]string{"--client-ca-file=/etc/sidecarset/client-ca/ca.crt", "--client-name=a", "--client-name=b"},
			[]string{"/etc/sidecarset/client-ca authorities"},
		},
		{
			values{"tokenSecret": "tokens", "tokenKey": "all"},
			[]string{"--client-token-file=/etc/sidecarset/client-token/all"},
			[]string{"/etc/sidecarset/client-token tokens"},
		},
		{
			values{"configMap": "authorities", "tokenSecret": "tokens"},
			[]string{"--client-ca-file=/etc/sidecarset/client-ca/ca.crt", "--client-token-file=/etc/sidecarset/client-token/token"},
			[]string{"/etc/sidecarset/client-ca authorities", "/etc/sidecarset/client-token tokens"},
		},
	} {
		pod := only[*apps.Deployment](t, objects(t, values{"clientAuthentication": example.set})).Spec.Template.Spec

		var arguments, mounts []string
		for _, argument := range pod.Containers[0].Args {
			if strings.HasPrefix(argument, "--client-") {
				arguments = append(arguments, argument)
			}
		}
		for at, mount := range pod.Containers[0].VolumeMounts {
			source := pod.Volumes[at].VolumeSource
			if pod.Volumes[at].Name != mount.Name {
				t.Errorf("%s is mounted where %s is expected", mount.Name, pod.Volumes[at].Name)
			}
			name := ""
			if source.ConfigMap != nil {
				name = source.ConfigMap.Name
			} else if source.Secret != nil {
				name = source.Secret.SecretName
			}
			mounts = append(mounts, mount.MountPath+" "+name)
		}
		if !slices.Equal(arguments, example.arguments) || !slices.Equal(mounts, example.mounts) {
			t.Errorf("%v: %q, %q", example.set, arguments, mounts)
		}
	}
}

func TestTheCertificateOfCertManagerIsForTheServiceAndInTheSecretThatIsRead(t *testing.T) {
	all := objects(t, values{"certManager": values{"enabled": true, "issuerRef": values{"name": "own", "kind": "ClusterIssuer"}}})
	var certificates []*unstructured.Unstructured
	for _, object := range all {
		if foreign, is := object.(*unstructured.Unstructured); is {
			certificates = append(certificates, foreign)
		}
	}

	// With an issuer of one's own there is no authority of ours.
	if len(certificates) != 1 {
		t.Fatalf("found %d", len(certificates))
	}
	spec := certificates[0].Object["spec"].(map[string]any)
	names := []any{"sidecarset-webhook.sidecarset-system.svc", "sidecarset-webhook.sidecarset-system"}
	if !reflect.DeepEqual(spec["dnsNames"], names) || spec["secretName"] != "sidecarset-webhook-tls" {
		t.Errorf("it is %v", spec)
	}
	if issuer := (map[string]any{"name": "own", "kind": "ClusterIssuer"}); !reflect.DeepEqual(spec["issuerRef"], issuer) {
		t.Errorf("its issuer is %v", spec["issuerRef"])
	}
	arguments := only[*apps.Deployment](t, all).Spec.Template.Spec.Containers[0].Args
	if !slices.Contains(arguments, "--certificate-secret=sidecarset-webhook-tls") {
		t.Errorf("the operator is told %q", arguments)
	}
}
