package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// update has the generated files written instead of compared: `make generate`.
var update = flag.Bool("update", false, "write the generated files")

func compare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if read(t, path) != want {
		t.Errorf("%s is stale: run `make generate`", path)
	}
}

const plainHead = `# Generated from deploy/chart. Do not edit: ` + "`make generate`" + ` writes it anew.
# The operator: kubectl apply --server-side -f deploy/
apiVersion: v1
kind: Namespace
metadata:
  name: sidecarset-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
`

// What is said only of what Helm has installed.
var onlyOfHelm = regexp.MustCompile(`(?m)^(# Source: .*|\s+(helm\.sh/chart|app\.kubernetes\.io/(instance|managed-by|version)): .*)\n`)

func TestThePlainManifestIsTheChartWithItsDefaults(t *testing.T) {
	text, err := manifest(t, values{"crds": values{"install": false}})
	if err != nil {
		t.Fatal(err)
	}

	plain := plainHead + strings.TrimSpace(onlyOfHelm.ReplaceAllString(text, "")) + "\n"
	plain = strings.ReplaceAll(plain, "\n\n---\n", "\n---\n")

	compare(t, "../../deploy/operator.yaml", plain)
	if len(parse(t, plain)) != 11 {
		t.Errorf("there are %d objects", len(parse(t, plain)))
	}
}

const (
	tableBegin = "<!-- values: begin -->\n"
	tableEnd   = "<!-- values: end -->\n"
)

func TestTheDocumentationNamesEveryValue(t *testing.T) {
	path := chartFolder + "/README.md"
	before, rest, hasBegin := strings.Cut(read(t, path), tableBegin)
	_, after, hasEnd := strings.Cut(rest, tableEnd)
	if !hasBegin || !hasEnd {
		t.Fatal("there is no place for the table")
	}

	compare(t, path, before+tableBegin+valuesTable(t)+tableEnd+after)
}

func valuesTable(t *testing.T) string {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, chartFolder+"/values.yaml")), &document); err != nil {
		t.Fatal(err)
	}
	table := "| value | what it is | default |\n|---|---|---|\n"
	for _, row := range rows(t, "", document.Content[0]) {
		table += row
	}
	return table
}

// rows are a line of the table for each value below a mapping. A value without a comment
// stands for those below it, which then have comments of their own.
func rows(t *testing.T, path string, mapping *yaml.Node) []string {
	t.Helper()
	var found []string
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		comment := ownComment(key)
		switch {
		case value.Kind == yaml.MappingNode && len(value.Content) > 0 && hasComments(value):
			found = append(found, rows(t, name, value)...)
		case comment == "":
			t.Errorf("%s has no comment", name)
		default:
			found = append(found, fmt.Sprintf("| `%s` | %s | %s |\n", name, comment, inline(t, value)))
		}
	}
	return found
}

// ownComment is the comment right above a value: what is above an empty line is about more.
func ownComment(key *yaml.Node) string {
	paragraphs := strings.Split(key.HeadComment, "\n\n")
	lines := strings.Split(paragraphs[len(paragraphs)-1], "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(strings.TrimPrefix(line, "#"))
	}
	return strings.Join(lines, " ")
}

func hasComments(mapping *yaml.Node) bool {
	return mapping.Content[0].HeadComment != ""
}

func inline(t *testing.T, value *yaml.Node) string {
	t.Helper()
	var plain any
	if err := value.Decode(&plain); err != nil {
		t.Fatal(err)
	}
	return "`" + oneLine(plain) + "`"
}

func oneLine(value any) string {
	switch typed := value.(type) {
	case map[string]any:
		return joined("{", "}", mapParts(typed))
	case []any:
		var parts []string
		for _, item := range typed {
			parts = append(parts, oneLine(item))
		}
		return joined("[", "]", parts)
	case string:
		if typed == "" {
			return `""`
		}
		return typed
	default:
		return fmt.Sprint(typed)
	}
}

func mapParts(members map[string]any) []string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		parts = append(parts, key+": "+oneLine(members[key]))
	}
	return parts
}

func joined(open, end string, parts []string) string {
	return open + strings.Join(parts, ", ") + end
}
