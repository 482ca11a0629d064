// Package standin describes small images that stand in for public ones where no registry
// of the outside world is reachable. Every tag has content of its own, so that changing
// the tag changes the imageID that a kubelet reports.
package standin

import (
	"fmt"
	"slices"

	"sidecarset.dev/devcluster/internal/image"
)

// Pause is the image that holds a pod's namespaces open.
const Pause = "docker.io/library/devcluster-pause:1"

// `wait` is interrupted by a trapped signal, `sleep` as the first process is not: so these
// containers end at once on SIGTERM instead of using up the grace period.
const idleScript = `trap 'exit 0' TERM INT QUIT
while :; do sleep 3600 & wait $!; done
`

const nginxScript = `#!/bin/sh
trap 'exit 0' TERM INT QUIT
httpd -f -p 80 -h /www &
wait $!
`

type standIn struct {
	reference string
	files     []image.File
	command   []string
}

// References lists every stand-in, as containerd spells it.
func References() []string {
	var names []string
	for _, one := range all() {
		names = append(names, one.reference)
	}
	return names
}

// Build makes all stand-ins from a statically linked busybox and the list of its applets.
func Build(busybox []byte, applets []string, architecture string) ([]*image.Image, error) {
	base := baseLayer(busybox, applets)
	var images []*image.Image
	for _, one := range all() {
		reference, err := image.ParseReference(one.reference)
		if err != nil {
			return nil, err
		}
		built, err := image.Build(reference, image.Recipe{
			Architecture: architecture,
			Layers:       [][]image.File{base, append(one.files, label(one.reference))},
			Cmd:          one.command,
			Env:          []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Labels:       map[string]string{"dev.sidecarset.stand-in": one.reference},
		})
		if err != nil {
			return nil, err
		}
		images = append(images, built)
	}
	return images, nil
}

func all() []standIn {
	idle := []string{"/bin/sh", "/bin/idle"}
	idleFile := image.File{Path: "bin/idle", Mode: 0o755, Content: []byte("#!/bin/sh\n" + idleScript)}
	list := []standIn{
		{reference: Pause, files: []image.File{idleFile}, command: idle},
		{reference: "docker.io/library/busybox:1.36", command: []string{"sh"}},
		// The examples: what they go on to, and what waits in a hot upgrade.
		{reference: "docker.io/library/busybox:1.37", command: []string{"sh"}},
		{reference: "docker.io/library/busybox:1.36-musl", command: []string{"sh"}},
		nginx("1.15.1"),
		nginx("1.27"),
	}
	for _, version := range []string{"6.7", "6.8"} {
		list = append(list, standIn{
			reference: "docker.io/library/centos:" + version,
			files: []image.File{{
				Path: "etc/centos-release", Mode: 0o644,
				Content: fmt.Appendf(nil, "stand-in for CentOS release %s\n", version),
			}},
			command: []string{"/bin/sh"},
		})
	}
	for _, version := range []string{"v1", "v2", "v3"} {
		list = append(list, standIn{
			reference: "docker.io/library/agent:" + version,
			files: []image.File{{
				Path: "bin/agent", Mode: 0o755,
				Content: fmt.Appendf(nil, "#!/bin/sh\necho agent %s\n%s", version, idleScript),
			}},
			command: []string{"/bin/agent"},
		})
	}
	return list
}

func nginx(version string) standIn {
	return standIn{
		reference: "docker.io/library/nginx:" + version,
		files: []image.File{
			{Path: "bin/nginx-stand-in", Mode: 0o755, Content: []byte(nginxScript)},
			{
				Path: "www/index.html", Mode: 0o644,
				Content: fmt.Appendf(nil, "stand-in for nginx %s\n", version),
			},
		},
		command: []string{"/bin/nginx-stand-in"},
	}
}

func label(reference string) image.File {
	return image.File{
		Path: "etc/stand-in", Mode: 0o644,
		Content: fmt.Appendf(nil, "busybox as a stand-in for %s\n", reference),
	}
}

func baseLayer(busybox []byte, applets []string) []image.File {
	files := []image.File{
		{Path: "bin/busybox", Mode: 0o755, Content: busybox},
		{Path: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		{Path: "etc/group", Mode: 0o644, Content: []byte("root:x:0:\nnogroup:x:65534:\n")},
		{Path: "root", Mode: 0o700, IsDir: true},
		{Path: "tmp", Mode: 0o1777, IsDir: true},
		{Path: "var/log", Mode: 0o755, IsDir: true},
	}
	applets = slices.Clone(applets)
	slices.Sort(applets)
	for _, applet := range slices.Compact(applets) {
		if !slices.Contains([]string{"", "busybox"}, applet) {
			files = append(files, image.File{Path: "bin/" + applet, Link: "busybox"})
		}
	}
	return files
}
