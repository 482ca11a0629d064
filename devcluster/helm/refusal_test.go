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
		{values{"topologySpreadConstraints": []any{values{"topologyKey": "zone"}}}, "missing properties 'maxSkew', 'whenUnsatisfiable'"},
	} {
		_, err := manifest(t, example.set)

		if err == nil || !strings.Contains(err.Error(), example.want) {
			t.Errorf("%v: %v", example.set, err)
		}
	}
}
