package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// File is one entry of a layer: a symbolic link when Link is set, a directory when IsDir,
// and otherwise a regular file.
type File struct {
	Path    string
	Mode    int64
	Content []byte
	Link    string
	IsDir   bool
}

// The time of every entry: an image made twice from the same input has the same digest.
var epoch = time.Unix(0, 0).UTC()

// tarLayer renders files as a layer, sorted by path, with the missing parent directories
// (mode 0755) added and everything owned by root. Two files of one path are an error.
func tarLayer(files []File) ([]byte, error) {
	entries := map[string]File{}
	for _, file := range files {
		name := strings.Trim(path.Clean("/"+file.Path), "/")
		if name == "" {
			return nil, fmt.Errorf("file %q has no name inside the image", file.Path)
		}
		if _, exists := entries[name]; exists {
			return nil, fmt.Errorf("file /%s is given twice", name)
		}
		file.Path = name
		entries[name] = file
	}
	for _, file := range files {
		for parent := path.Dir(strings.Trim(path.Clean("/"+file.Path), "/")); parent != "."; parent = path.Dir(parent) {
			if _, exists := entries[parent]; !exists {
				entries[parent] = File{Path: parent, Mode: 0o755, IsDir: true}
			}
		}
	}
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)

	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, name := range names {
		if err := writeEntry(writer, entries[name]); err != nil {
			return nil, fmt.Errorf("failed to add /%s to the layer: %w", name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("failed to finish the layer: %w", err)
	}
	return buffer.Bytes(), nil
}

func writeEntry(writer *tar.Writer, file File) error {
	header := &tar.Header{Name: file.Path, Mode: file.Mode, ModTime: epoch, Format: tar.FormatPAX}
	switch {
	case file.IsDir:
		header.Typeflag, header.Name = tar.TypeDir, file.Path+"/"
	case file.Link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, file.Link, 0o777
	default:
		header.Typeflag, header.Size = tar.TypeReg, int64(len(file.Content))
	}
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err := writer.Write(file.Content)
	return err
}
