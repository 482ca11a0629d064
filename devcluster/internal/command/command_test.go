package command

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsNotUnderstoodEndsWithTwoAndOneSentence(t *testing.T) {
	t.Setenv("DEVCLUSTER_HOME", "/nonexistent/home")
	for line, want := range map[string]string{
		"fly":                            `devcluster: there is no command "fly"; see devcluster --help`,
		"up --nodes many":                `devcluster up: --nodes is "many" where real, simulated or auto is needed`,
		"up --simulated-nodes 0":         `devcluster up: --simulated-nodes is 0 where 1 to 250 is needed`,
		"up --simulated-delay -1s":       `devcluster up: --simulated-delay is -1s, which is less than nothing`,
		"up --ip-family ipv5":            `devcluster up: --ip-family is "ipv5" where ipv4, ipv6 or dual is needed`,
		"up --api-server-argument v=9":   `devcluster up: invalid value "v=9" for flag -api-server-argument: it does not begin with --`,
		"up --image-store-size much":     `devcluster up: invalid value "much" for flag -image-store-size: it is not a number of bytes, such as 200Mi`,
		"up --name Upper":                `devcluster up: cluster name "Upper" must be 1 to 20 lower-case letters, digits or dashes, starting with a letter`,
		"up now":                         `devcluster up: the argument "now" is one too many`,
		"up --speed 9":                   `devcluster up: flag provided but not defined: -speed`,
		"down --all --name x":            `devcluster down: --name and --all exclude each other`,
		"status --output xml":            `devcluster status: --output is "xml" where text or json is needed`,
		"restart --name x":               `devcluster restart: the component to restart is missing`,
		"restart etcd now":               `devcluster restart: the argument "now" is one too many`,
		"pause --name x":                 `devcluster pause: the component to pause is missing`,
		"pause etcd --for 0s":            `devcluster pause: --for is 0s where more than nothing and at most 10m0s is needed`,
		"load-image":                     `devcluster load-image: the image archives to load are missing`,
		"image --tag a:b":                `devcluster image: --tag and --output are both needed`,
		"image-index --tag a --output x": `devcluster image-index: --tag, --output and the image archives to combine are all needed`,
		"image --tag A --output x":       `devcluster image: image reference "A" is not of the form [HOST/]NAME[:TAG]`,
		"image --file a --tag a":         `devcluster image: invalid value "a" for flag -file: it is not of the form SRC:/DST[:MODE]`,
		"image --env A --tag a":          `devcluster image: invalid value "A" for flag -env: it is not of the form KEY=VALUE`,
		"image --cmd [1] --tag a":        `devcluster image: invalid value "[1]" for flag -cmd: it is not a JSON list of strings`,
		"image --file a:/b:rwx --tag a":  `devcluster image: invalid value "a:/b:rwx" for flag -file: the mode "rwx" is not octal`,
	} {
		var out, err bytes.Buffer

		code := run(context.Background(), streams{&out, &err}, strings.Fields(line))

		if code != 2 || err.String() != want+"\n" {
			t.Errorf("%s: %d %q", line, code, err.String())
		}
	}
}

func TestAClusterThatIsNotThereIsAFailure(t *testing.T) {
	t.Setenv("DEVCLUSTER_HOME", "/nonexistent/home")
	for _, line := range []string{"status --name x", "kubeconfig --name x", "logs --name x", "restart --name x etcd", "pause --name x etcd"} {
		var out, err bytes.Buffer

		code := run(context.Background(), streams{&out, &err}, strings.Fields(line))

		if code != 1 || !strings.HasSuffix(err.String(), "there is no cluster x\n") {
			t.Errorf("%s: %d %q", line, code, err.String())
		}
	}
}

func TestDownOfAClusterThatIsNotThereSucceeds(t *testing.T) {
	t.Setenv("DEVCLUSTER_HOME", "/nonexistent/home")
	var out, err bytes.Buffer

	code := run(context.Background(), streams{&out, &err}, []string{"down", "--name", "x"})

	if code != 0 || out.String() != "there is no cluster x\n" {
		t.Errorf("%d %q %q", code, out.String(), err.String())
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	t.Setenv("DEVCLUSTER_HOME", "/nonexistent/home")

	_, name, rest, err := single("load-image", streams{}, []string{"a.tar", "--name", "x", "b.tar"}, nil)

	if err != nil || name != "x" || !slices.Equal(rest, []string{"a.tar", "b.tar"}) {
		t.Errorf("got %q %v, %v", name, rest, err)
	}
}

func TestKubectlTakesOnlyALeadingName(t *testing.T) {
	for line, want := range map[string]string{
		"--name x -- get pods": "x|get pods",
		"--name=x get pods":    "x|get pods",
		"-- get pods":          "|get pods",
		"get pods --name y":    "|get pods --name y",
		"exec p -- ls":         "|exec p -- ls",
		"":                     "|",
	} {
		name, rest := kubectlTarget(strings.Fields(line))

		if got := name + "|" + strings.Join(rest, " "); got != want {
			t.Errorf("%q: got %q", line, got)
		}
	}
}

func TestWordsAreAListOrSeparatedBySpaces(t *testing.T) {
	for text, want := range map[string][]string{
		`["/bin/sh", "-c", "a b"]`: {"/bin/sh", "-c", "a b"},
		"/app  operator":           {"/app", "operator"},
	} {
		if got, err := parseWords(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
}

func TestTheSameImageIsWrittenTwiceAlike(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "app")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	var archives [][]byte
	for _, name := range []string{"one.tar", "two.tar"} {
		var out, err bytes.Buffer
		args := []string{"image", "--tag", "app:v1", "--output", filepath.Join(dir, name), "--file", program + ":/app", "--entrypoint", "/app", "--user", "65532:65532"}
		if code := run(context.Background(), streams{&out, &err}, args); code != 0 {
			t.Fatal(err.String())
		}
		content, readErr := os.ReadFile(filepath.Join(dir, name))
		if readErr != nil {
			t.Fatal(readErr)
		}
		archives = append(archives, content)
	}

	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives differ")
	}
}
