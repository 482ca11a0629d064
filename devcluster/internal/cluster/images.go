package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"

	"sidecarset.dev/devcluster/internal/image"
	"sidecarset.dev/devcluster/internal/standin"
)

// buildStandIns makes the stand-in images from this machine's static busybox.
func buildStandIns() ([]*image.Image, error) {
	path := findTool("busybox")
	if path == "" {
		return nil, fmt.Errorf("the program busybox is not installed (Debian package busybox-static)")
	}
	busybox, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read %s: %w", path, err)
	}
	applets, err := exec.Command(path, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("failed to list the applets of %s: %w", path, err)
	}
	return standin.Build(busybox, strings.Fields(string(applets)), runtime.GOARCH)
}

func (r Record) push(ctx context.Context, images []*image.Image) error {
	registry := image.Registry{Address: r.registryAddress()}
	for _, one := range images {
		if err := registry.Push(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// pull makes containerd fetch the images from the registry just as a kubelet would, so that
// the imageID of a pod is the same whichever of the two came first.
func pull(ctx context.Context, layout Layout, images []*image.Image) error {
	connection, err := grpc.NewClient("unix://"+layout.ContainerdSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("failed to reach containerd: %w", err)
	}
	defer connection.Close()
	client := cri.NewImageServiceClient(connection)
	for _, one := range images {
		reference := one.Reference.String()
		request := &cri.PullImageRequest{Image: &cri.ImageSpec{Image: reference}}
		if _, err := client.PullImage(ctx, request); err != nil {
			return fmt.Errorf("containerd failed to load image %s: %w", reference, err)
		}
	}
	return nil
}

// takesImages succeeds once containerd can be asked to pull.
func takesImages(layout Layout) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := grpc.NewClient("unix://"+layout.ContainerdSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer connection.Close()
		_, err = cri.NewImageServiceClient(connection).ListImages(ctx, &cri.ListImagesRequest{})
		return err
	}
}

// LoadStandIns makes the stand-in images and puts them into the cluster.
func (m Machine) LoadStandIns(ctx context.Context, name Name) error {
	images, err := buildStandIns()
	if err != nil {
		return err
	}
	return m.load(ctx, name, images)
}

// LoadArchives puts the images of docker-archive or OCI tar files into the cluster.
func (m Machine) LoadArchives(ctx context.Context, name Name, paths []string) error {
	var images []*image.Image
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("failed to open the image archive: %w", err)
		}
		found, err := image.ReadArchive(file, runtime.GOARCH)
		file.Close()
		if err != nil {
			return fmt.Errorf("failed to read the image archive %s: %w", path, err)
		}
		images = append(images, found...)
	}
	return m.load(ctx, name, images)
}

func (m Machine) load(ctx context.Context, name Name, images []*image.Image) error {
	layout := m.Home.Layout(name)
	record, found, err := loadRecord(layout)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("there is no cluster %s", name)
	}
	if record.Mode == Simulated {
		fmt.Fprintf(m.Out, "the nodes of cluster %s are simulated and take every image\n", name)
		return nil
	}
	if err := record.push(ctx, images); err != nil {
		return err
	}
	if err := pull(ctx, layout, images); err != nil {
		return err
	}
	for _, one := range images {
		fmt.Fprintf(m.Out, "loaded %s\n", one.Reference)
	}
	return nil
}
