package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"sidecarset.dev/devcluster/internal/image"
)

func loadImage(ctx context.Context, to streams, args []string) error {
	machine, name, paths, err := single("load-image", to, args, nil)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return misused("the image archives to load are missing")
	}
	return machine.LoadArchives(ctx, name, paths)
}

func standIns(ctx context.Context, to streams, args []string) error {
	machine, name, rest, err := single("standins", to, args, nil)
	if err != nil {
		return err
	}
	if err := noArguments(rest); err != nil {
		return err
	}
	return machine.LoadStandIns(ctx, name)
}

// imageOrder is what `devcluster image` is asked to make.
type imageOrder struct {
	reference image.Reference
	output    string
	sources   []source
	recipe    image.Recipe
}

// source is a file of this machine and its place in the image. A mode of 0 is that of the
// file itself, as far as it says whether the file can be run.
type source struct {
	path string
	dest string
	mode int64
}

func makeImage(_ context.Context, to streams, args []string) error {
	order, err := parseImageOrder(args)
	if err != nil {
		return err
	}
	var files []image.File
	for _, source := range order.sources {
		file, err := source.read()
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	if len(files) > 0 {
		order.recipe.Layers = [][]image.File{files}
	}
	built, err := image.Build(order.reference, order.recipe)
	if err != nil {
		return err
	}
	return writeImage(to, built, order.output)
}

// combineImages makes one image of those of several architectures.
func combineImages(_ context.Context, to streams, args []string) error {
	flags := flag.NewFlagSet("image-index", flag.ContinueOnError)
	var tag, output string
	flags.StringVar(&tag, "tag", "", "")
	flags.StringVar(&output, "output", "", "")
	paths, err := parse(flags, args)
	if err != nil {
		return err
	}
	if tag == "" || output == "" || len(paths) == 0 {
		return misused("--tag, --output and the image archives to combine are all needed")
	}
	reference, err := image.ParseReference(tag)
	if err != nil {
		return usageError{err.Error()}
	}
	var images []*image.Image
	for _, path := range paths {
		found, err := readImages(path)
		if err != nil {
			return err
		}
		images = append(images, found...)
	}
	combined, err := image.Combine(reference, images)
	if err != nil {
		return err
	}
	return writeImage(to, combined, output)
}

func readImages(path string) ([]*image.Image, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read an image: %w", err)
	}
	defer file.Close()
	images, err := image.ReadArchive(file, runtime.GOARCH)
	if err != nil {
		return nil, fmt.Errorf("failed to read the image in %s: %w", path, err)
	}
	return images, nil
}

// writeImage writes beside the place first, so that nobody loads half an image.
func writeImage(to streams, built *image.Image, output string) error {
	part, err := os.CreateTemp(filepath.Dir(output), ".devcluster-image-*")
	if err != nil {
		return fmt.Errorf("failed to write %s: %w", output, err)
	}
	defer os.Remove(part.Name())
	if err := built.WriteArchive(part); err != nil {
		return fmt.Errorf("failed to write %s: %w", output, err)
	}
	if err := part.Chmod(0o644); err != nil {
		return fmt.Errorf("failed to write %s: %w", output, err)
	}
	if err := part.Close(); err != nil {
		return fmt.Errorf("failed to write %s: %w", output, err)
	}
	if err := os.Rename(part.Name(), output); err != nil {
		return fmt.Errorf("failed to write %s: %w", output, err)
	}
	fmt.Fprintf(to.out, "%s %s\n", built.Reference, built.Manifest.Digest)
	return nil
}

func (s source) read() (image.File, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return image.File{}, fmt.Errorf("failed to read a file for the image: %w", err)
	}
	if !info.Mode().IsRegular() {
		return image.File{}, fmt.Errorf("failed to read a file for the image: %s is no regular file", s.path)
	}
	content, err := os.ReadFile(s.path)
	if err != nil {
		return image.File{}, fmt.Errorf("failed to read a file for the image: %w", err)
	}
	mode := s.mode
	if mode == 0 {
		mode = 0o644
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
	}
	return image.File{Path: s.dest, Mode: mode, Content: content}, nil
}

func parseImageOrder(args []string) (imageOrder, error) {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	var order imageOrder
	var tag string
	order.recipe = image.Recipe{Architecture: runtime.GOARCH, Labels: map[string]string{}}
	flags.StringVar(&tag, "tag", "", "")
	flags.StringVar(&order.output, "output", "", "")
	flags.StringVar(&order.recipe.User, "user", "", "")
	flags.StringVar(&order.recipe.WorkingDir, "workdir", "", "")
	flags.StringVar(&order.recipe.Architecture, "arch", runtime.GOARCH, "")
	flags.Func("file", "", func(text string) error {
		source, err := parseSource(text)
		order.sources = append(order.sources, source)
		return err
	})
	flags.Func("entrypoint", "", func(text string) (err error) {
		order.recipe.Entrypoint, err = parseWords(text)
		return err
	})
	flags.Func("cmd", "", func(text string) (err error) {
		order.recipe.Cmd, err = parseWords(text)
		return err
	})
	flags.Func("env", "", func(text string) error {
		_, _, err := parsePair(text)
		order.recipe.Env = append(order.recipe.Env, text)
		return err
	})
	flags.Func("label", "", func(text string) error {
		key, value, err := parsePair(text)
		order.recipe.Labels[key] = value
		return err
	})
	rest, err := parse(flags, args)
	if err != nil {
		return imageOrder{}, err
	}
	if err := noArguments(rest); err != nil {
		return imageOrder{}, err
	}
	if tag == "" || order.output == "" {
		return imageOrder{}, misused("--tag and --output are both needed")
	}
	if order.reference, err = image.ParseReference(tag); err != nil {
		return imageOrder{}, usageError{err.Error()}
	}
	return order, nil
}

// parseSource reads SRC:DST[:MODE], with an octal MODE.
func parseSource(text string) (source, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || !strings.HasPrefix(parts[1], "/") {
		return source{}, fmt.Errorf("it is not of the form SRC:/DST[:MODE]")
	}
	found := source{path: parts[0], dest: parts[1]}
	if len(parts) == 3 {
		mode, err := strconv.ParseInt(parts[2], 8, 32)
		if err != nil || mode <= 0 || mode > 0o7777 {
			return source{}, fmt.Errorf("the mode %q is not octal", parts[2])
		}
		found.mode = mode
	}
	return found, nil
}

// parseWords reads a JSON list of strings, or words with spaces between them.
func parseWords(text string) ([]string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return strings.Fields(text), nil
	}
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		return nil, fmt.Errorf("it is not a JSON list of strings")
	}
	return words, nil
}

func parsePair(text string) (key, value string, err error) {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return "", "", fmt.Errorf("it is not of the form KEY=VALUE")
	}
	return key, value, nil
}
