package main

import (
	"strings"
	"testing"
)

func TestValuesThatCannotBeMeantAreRefused(t *testing.T) {
	for _, example := range []struct {
		set  values
		want string
	}{
		{values{"replica": 3}, "additional properties 'replica' not allowed"},
		{values{"replicas": -1}, "at '/replicas': minimum: got -1, want 0"},
		{values{"replicas": "two"}, "at '/replicas': got string, want integer"},
		{values{"operator": values{"failurePolicy": "fail"}}, "at '/operator/failurePolicy': value must be one of 'Fail', 'Ignore'"},
		{values{"operator": values{"drainDelay": "5"}}, "at '/operator/drainDelay': '5' does not match pattern"},
		{values{"operator": values{"leaderElection": values{"leaseDuration": "1h"}}}, "at '/operator/leaderElection/leaseDuration': '1h' does not match pattern"},
		{values{"operator": values{"maxConnections": 0}}, "at '/operator/maxConnections': minimum: got 0, want 1"},
		{values{"operator": values{"maxReviewMemory": "much"}}, "at '/operator/maxReviewMemory': 'much' does not match pattern"},
		{values{"operator": values{"proofLifetime": "a day"}}, "at '/operator/proofLifetime': 'a day' does not match pattern"},
		{values{"clientAuthentication": values{"tokenSecret": "A B"}}, "at '/clientAuthentication/tokenSecret': 'A B' does not match pattern"},
		{values{"operator": values{"concurrency": 0}}, "at '/operator/concurrency': minimum: got 0, want 1"},
		{values{"operator": values{"extraArguments": []any{"crd"}}}, "at '/operator/extraArguments/0': 'crd' does not match pattern"},
		{values{"image": values{"digest": "0a0a"}}, "at '/image/digest': '0a0a' does not match pattern"},
		{values{"image": values{"pullPolicy": "never"}}, "at '/image/pullPolicy': value must be one of"},
		{values{"imagePullSecrets": []any{"registry"}}, "at '/imagePullSecrets/0': got string, want object"},
		{values{"certManager": values{"issuerRef": values{"kind": "Issuer"}}}, "at '/certManager/issuerRef'"},
		{values{"certManager": values{"duration": "90 days"}}, "at '/certManager/duration': '90 days' does not match pattern"},
		{values{"podDisruptionBudget": values{"maxUnavailable": 0}}, "at '/podDisruptionBudget/maxUnavailable'"},
		{values{"podLabels": values{"app.kubernetes.io/name": "mine"}}, "at '/podLabels'"},
		{values{"podAnnotations": values{"a": true}}, "at '/podAnnotations/a': got boolean, want string"},
		{values{"resources": values{"limit": values{}}}, "at '/resources': additional properties 'limit' not allowed"},
		{values{"terminationGracePeriodSeconds": 1}, "at '/terminationGracePeriodSeconds': minimum: got 1, want 15"},
		{values{"monitoring": values{"serviceMonitor": values{"interval": "often"}}}, "at '/monitoring/serviceMonitor/interval': 'often' does not match pattern"},
		{values{"webhook": values{"port": 65536}}, "at '/webhook/port': maximum: got 65,536, want 65,535"},
		{values{"webhook": values{"annotations": values{"a b": "c"}}}, "invalid propertyName 'a b'"},
		{values{"webhook": values{"labels": values{"a": "b c"}}}, "at '/webhook/labels/a': 'b c' does not match pattern"},
		{values{"webhook": values{"namespaceSelector": values{"matchLabel": values{}}}}, "additional properties 'matchLabel' not allowed"},
		{values{"webhook": values{"objectSelector": values{"matchExpressions": []any{values{"key": "a", "operator": "Is"}}}}}, "/operator': value must be one of"},
		{values{"webhook": values{"service": values{"ipFamilyPolicy": "Dual"}}}, "at '/webhook/service/ipFamilyPolicy': value must be one of"},
		{values{"webhook": values{"service": values{"ipFamilies": []any{"IPv5"}}}}, "at '/webhook/service/ipFamilies/0': value must be one of"},
		{values{"commonLabels": values{"helm.sh/chart": "mine"}}, "at '/commonLabels'"},
		{values{"dnsPolicy": "clusterFirst"}, "at '/dnsPolicy': value must be one of"},
		{values{"podSecurityContext": values{"runAsuser": 1}}, "at '/podSecurityContext': additional properties 'runAsuser' not allowed"},
		{values{"securityContext": values{"runAsUser": "1"}}, "at '/securityContext/runAsUser': got string, want null or integer"},
		{values{"operator": values{"extraEnv": []any{values{"name": "A", "value": 1}}}}, "at '/operator/extraEnv/0/value': got number, want string"},
		{values{"operator": values{"extraEnv": []any{values{"name": "POD_NAME"}}}}, "at '/operator/extraEnv/0/name'"},
		{values{"serviceAccount": values{"create": false}}, "at '/serviceAccount/name': minLength: got 0, want 1"},
		{values{"resourceQuota": values{"pods": 0}}, "at '/resourceQuota/pods': minimum: got 0, want 1"},
		{values{"strategy": values{"type": "Rolling"}}, "at '/strategy/type': value must be one of"},
		{values{"topologySpreadConstraints": []any{values{"topologyKey": "zone"}}}, "missing properties 'maxSkew', 'whenUnsatisfiable'"},
	} {
		_, err := manifest(t, example.set)

		if err == nil || !strings.Contains(err.Error(), example.want) {
			t.Errorf("%v: %v", example.set, err)
		}
	}
}
