package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// pod is the operator's Pod with these values.
func pod(t *testing.T, set values) core.PodTemplateSpec {
	t.Helper()
	return only[*apps.Deployment](t, objects(t, set)).Spec.Template
}

func hasArgument(pod core.PodTemplateSpec, argument string) bool {
	return slices.Contains(pod.Spec.Containers[0].Args, argument)
}

func TestOnTheHostNetworkThePortsAreOnesOwnAndTheNamesOfTheClusterAreResolved(t *testing.T) {
	all := objects(t, values{
		"hostNetwork": true, "webhook": values{"port": 19443}, "health": values{"port": 18081}, "monitoring": monitored["monitoring"],
	})
	deployment := only[*apps.Deployment](t, all)
	spec := deployment.Spec.Template.Spec

	if !spec.HostNetwork || spec.DNSPolicy != core.DNSClusterFirstWithHostNet {
		t.Errorf("it has %t, %s", spec.HostNetwork, spec.DNSPolicy)
	}
	for _, port := range spec.Containers[0].Ports {
		if want := map[string]int32{"webhook": 19443, "health": 18081}[port.Name]; port.ContainerPort != want {
			t.Errorf("%s is %d", port.Name, port.ContainerPort)
		}
	}
	for _, argument := range []string{"--webhook-bind=:19443", "--health-bind=:18081"} {
		if !hasArgument(deployment.Spec.Template, argument) {
			t.Errorf("the operator is not told %s", argument)
		}
	}
	// A node has room for one: the next one cannot start before the last one is gone.
	rolling := deployment.Spec.Strategy.RollingUpdate
	if rolling.MaxSurge.IntValue() != 0 || rolling.MaxUnavailable.IntValue() != 1 {
		t.Errorf("they are replaced with %v", rolling)
	}
	// Whoever finds the operator finds it by the names of its ports.
	probes := []string{spec.Containers[0].ReadinessProbe.HTTPGet.Port.StrVal, spec.Containers[0].LivenessProbe.HTTPGet.Port.StrVal}
	webhook := service(t, all, "sidecarset-webhook").Spec.Ports[0]
	if !slices.Equal(probes, []string{"health", "health"}) || webhook.TargetPort.StrVal != "webhook" || webhook.Port != 443 {
		t.Errorf("probes ask %q, the API server %v", probes, webhook)
	}
	for _, rule := range only[*networking.NetworkPolicy](t, all).Spec.Ingress {
		if rule.Ports[0].Port.StrVal == "" {
			t.Errorf("the policy lets in %v", rule.Ports[0].Port)
		}
	}
}

func TestOperatorsReplaceEachOtherAsTheStrategySays(t *testing.T) {
	strategy := only[*apps.Deployment](t, objects(t, values{"strategy": values{"type": "Recreate"}, "hostNetwork": true})).Spec.Strategy

	if strategy.Type != apps.RecreateDeploymentStrategyType || strategy.RollingUpdate != nil {
		t.Errorf("it is %v", strategy)
	}
}

func TestWhoeverTheOperatorIsCanBeChosenOrLeftToTheCluster(t *testing.T) {
	spec := pod(t, values{
		"podSecurityContext": values{"runAsUser": nil, "runAsGroup": nil, "fsGroup": 7},
		"securityContext":    values{"runAsUser": 8},
	}).Spec

	context := spec.SecurityContext
	if context.RunAsUser != nil || context.RunAsGroup != nil || *context.FSGroup != 7 || !*context.RunAsNonRoot {
		t.Errorf("the Pod has %v", context)
	}
	own := spec.Containers[0].SecurityContext
	if *own.RunAsUser != 8 || *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem {
		t.Errorf("the container has %v", own)
	}
}

func TestOperatorsRunOnLinuxAndWhereElseIsSaid(t *testing.T) {
	selector := pod(t, values{"nodeSelector": values{"pool": "system"}}).Spec.NodeSelector

	if len(selector) != 2 || selector["kubernetes.io/os"] != "linux" || selector["pool"] != "system" {
		t.Errorf("they run on %v", selector)
	}
}

func TestThePriorityOfTheClusterHasItsQuota(t *testing.T) {
	quotas := func(set values, in string) []*core.ResourceQuota {
		made, err := installed(t, release{namespace: in, kubernetes: oldest}, set)
		if err != nil {
			t.Fatal(err)
		}
		return all[*core.ResourceQuota](parse(t, made.Manifest))
	}

	found := quotas(values{}, namespace)
	if len(found) != 1 {
		t.Fatalf("there are %d", len(found))
	}
	expression := found[0].Spec.ScopeSelector.MatchExpressions[0]
	priority := pod(t, values{}).Spec.PriorityClassName
	if expression.ScopeName != core.ResourceQuotaScopePriorityClass || !slices.Equal(expression.Values, []string{priority}) {
		t.Errorf("it counts %v", expression)
	}
	if pods := found[0].Spec.Hard[core.ResourcePods]; pods.Value() != 100 {
		t.Errorf("it admits %v", pods)
	}
	for what, none := range map[string][]*core.ResourceQuota{
		"the Pods of kube-system": quotas(values{}, "kube-system"),
		"another priority":        quotas(values{"priorityClassName": "operators"}, namespace),
		"no priority":             quotas(values{"priorityClassName": ""}, namespace),
		"what is switched off":    quotas(values{"resourceQuota": values{"enabled": false}}, namespace),
	} {
		if len(none) != 0 {
			t.Errorf("there is one for %s", what)
		}
	}
	if priority := pod(t, values{"priorityClassName": ""}).Spec.PriorityClassName; priority != "" {
		t.Errorf("the priority is %s", priority)
	}
}

func TestEveryObjectHasTheCommonLabels(t *testing.T) {
	set := maps.Clone(everything)
	set["commonLabels"] = values{"team": "platform"}
	set["podLabels"] = values{"team": "others", "tier": "system"}
	all := objects(t, set)

	for _, object := range all {
		if label := labelsOf(object)["team"]; label != "platform" {
			t.Errorf("%s has %q", nameOf(object), label)
		}
	}
	deployment := only[*apps.Deployment](t, all)
	if labels := deployment.Spec.Template.Labels; labels["team"] != "others" || labels["tier"] != "system" {
		t.Errorf("the Pods have %v", labels)
	}
	if len(deployment.Spec.Selector.MatchLabels) != 1 {
		t.Errorf("the Deployment looks for %v, which cannot change", deployment.Spec.Selector.MatchLabels)
	}
	if !hasArgument(deployment.Spec.Template, "--webhook-label=team=platform") {
		t.Error("the webhook configurations have no such label")
	}
}

func labelsOf(object runtime.Object) map[string]string {
	return object.(interface{ GetLabels() map[string]string }).GetLabels()
}

func TestTheOperatorIsToldWhatTheWebhookConfigurationsHave(t *testing.T) {
	pod := pod(t, values{"webhook": values{
		"annotations": values{"admissions.enforcer/disabled": "true"}, "labels": values{"a": "b"},
		"namespaceSelector": values{"matchExpressions": []any{values{"key": "platform", "operator": "DoesNotExist"}}},
		"objectSelector":    values{"matchLabels": values{"c": "d"}},
	}})

	for _, argument := range []string{
		"--webhook-annotation=admissions.enforcer/disabled=true", "--webhook-label=a=b",
		`--webhook-namespace-selector={"matchExpressions":[{"key":"platform","operator":"DoesNotExist"}]}`,
		`--webhook-object-selector={"matchLabels":{"c":"d"}}`,
	} {
		if !hasArgument(pod, argument) {
			t.Errorf("it is not told %s, but %q", argument, pod.Spec.Containers[0].Args)
		}
	}
}

func TestTheServiceHasTheFamiliesThatAreAskedFor(t *testing.T) {
	asked := service(t, objects(t, values{"webhook": values{"service": values{
		"ipFamilyPolicy": "PreferDualStack", "ipFamilies": []any{"IPv6", "IPv4"}, "annotations": values{"a": "b"},
	}}}), "sidecarset-webhook")
	unasked := service(t, objects(t, values{}), "sidecarset-webhook")

	if *asked.Spec.IPFamilyPolicy != core.IPFamilyPolicyPreferDualStack || asked.Annotations["a"] != "b" ||
		!slices.Equal(asked.Spec.IPFamilies, []core.IPFamily{core.IPv6Protocol, core.IPv4Protocol}) {
		t.Errorf("it has %v", asked.Spec)
	}
	if unasked.Spec.IPFamilyPolicy != nil || unasked.Spec.IPFamilies != nil {
		t.Errorf("unasked it has %v", unasked.Spec)
	}
}

func TestMoreOfTheEnvironmentComesAfterWhatTheOperatorNeeds(t *testing.T) {
	container := pod(t, values{
		"operator":          values{"extraEnv": []any{values{"name": "HTTPS_PROXY", "value": "http://[fd00::1]:3128"}}},
		"extraVolumes":      []any{values{"name": "trust", "configMap": values{"name": "trust"}}},
		"extraVolumeMounts": []any{values{"name": "trust", "mountPath": "/etc/ssl/certs"}},
	}).Spec

	var names []string
	for _, variable := range container.Containers[0].Env {
		names = append(names, variable.Name)
	}
	if want := []string{"POD_NAMESPACE", "POD_NAME", "POD_UID", "HTTPS_PROXY"}; !slices.Equal(names, want) {
		t.Errorf("it has %q", names)
	}
	if container.Volumes[0].Name != "trust" || container.Containers[0].VolumeMounts[0].MountPath != "/etc/ssl/certs" {
		t.Errorf("it has %v at %v", container.Volumes, container.Containers[0].VolumeMounts)
	}
}

func TestTheOperatorMayDoAllOfItAsWhateverAccountItRuns(t *testing.T) {
	for _, account := range []values{
		{"create": true, "name": "other"},
		{"create": false, "name": "other"},
		{"create": true},
	} {
		found := objects(t, values{"serviceAccount": account})
		want := "sidecarset-operator"
		if account["name"] != nil {
			want = "other"
		}

		spec := only[*apps.Deployment](t, found).Spec.Template.Spec
		if spec.ServiceAccountName != want || !*spec.AutomountServiceAccountToken {
			t.Errorf("it runs as %s", spec.ServiceAccountName)
		}
		for _, subjects := range [][]rbac.Subject{
			only[*rbac.ClusterRoleBinding](t, found).Subjects, only[*rbac.RoleBinding](t, found).Subjects,
		} {
			if len(subjects) != 1 || subjects[0].Name != want {
				t.Errorf("allowed are %v", subjects)
			}
		}
		accounts := all[*core.ServiceAccount](found)
		if isMade := len(accounts) == 1; isMade != account["create"].(bool) || isMade && accounts[0].Name != want {
			t.Errorf("there are %d accounts", len(accounts))
		}
	}
}

func TestTheNotesWarnOfTheNamespaceOfApplications(t *testing.T) {
	notes := func(in string) string {
		made, err := installed(t, release{namespace: in, kubernetes: oldest}, values{})
		if err != nil {
			t.Fatal(err)
		}
		return made.Info.Notes
	}

	if warned := notes("default"); !strings.Contains(warned, "WARNING") || !strings.Contains(warned, "namespace default") {
		t.Errorf("they say %s", warned)
	}
	if others := notes(namespace); strings.Contains(others, "WARNING") {
		t.Errorf("they say %s", others)
	}
}
