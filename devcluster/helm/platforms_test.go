package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	security "k8s.io/pod-security-admission/api"
	restrictions "k8s.io/pod-security-admission/policy"
	sigs "sigs.k8s.io/yaml"
)

// platforms are the files of values with the Pod Security level that each needs.
var platforms = map[string]security.Level{
	"aks":           security.LevelRestricted,
	"dual-stack":    security.LevelRestricted,
	"eks-overlay":   security.LevelPrivileged,
	"gke":           security.LevelRestricted,
	"gke-autopilot": security.LevelRestricted,
	"ipv6":          security.LevelRestricted,
	"openshift":     security.LevelRestricted,
	"single-node":   security.LevelRestricted,
}

// of are the values of a platform, as `helm --values` reads them.
func of(t *testing.T, platform string) values {
	t.Helper()
	set := values{}
	if err := sigs.Unmarshal([]byte(read(t, chartFolder+"/platforms/"+platform+".yaml")), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEachPlatformIsOnItsPage(t *testing.T) {
	files, err := filepath.Glob(chartFolder + "/platforms/*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		found = append(found, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	slices.Sort(found)
	if !slices.Equal(found, slices.Sorted(maps.Keys(platforms))) {
		t.Errorf("there are files for %q", found)
	}
	page, err := os.ReadFile("../../docs/platforms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, platform := range found {
		if !strings.Contains(string(page), "(../deploy/chart/platforms/"+platform+".yaml)") {
			t.Errorf("docs/platforms.md does not name %s", platform)
		}
	}
}

func TestEachPlatformNeedsNoHigherLevelThanItsOwn(t *testing.T) {
	evaluator, err := restrictions.NewEvaluator(restrictions.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for platform, level := range platforms {
		pod := only[*apps.Deployment](t, objects(t, of(t, platform))).Spec.Template
		restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}

		var reasons []string
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				reasons = append(reasons, result.ForbiddenReason)
			}
		}

		var want []string
		if level == security.LevelPrivileged {
			// It is in the network of the node, and nothing else.
			want = []string{"host namespaces"}
		}
		if !slices.Equal(reasons, want) {
			t.Errorf("%s: %q", platform, reasons)
		}
	}
}

func TestWhereThePlatformChoosesTheUserNoneIsGiven(t *testing.T) {
	spec := only[*apps.Deployment](t, objects(t, of(t, "openshift"))).Spec.Template.Spec

	if spec.SecurityContext.RunAsUser != nil || spec.SecurityContext.RunAsGroup != nil {
		t.Errorf("it is %v", spec.SecurityContext)
	}
	if !*spec.SecurityContext.RunAsNonRoot {
		t.Error("it may be root")
	}
}
