package stores

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/evovoice-gateway/caddy-conference-members/idempotency/file"
	"github.com/evovoice-gateway/caddy-conference-members/idempotency/memory"
)

// Memory keeps what became of calls in the memory of the process: a restart forgets
// it, a reload does not. All handlers share one such store.
type Memory struct {
	// The largest size in bytes. When it is full, responses are dropped, the oldest
	// first, and keys never; when not even keys fit, the store fails. A key takes 320
	// bytes. Default: 67108864.
	MaxSize int64 `json:"max_size,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Namespace + ".memory", New: func() caddy.Module { return new(Memory) }}
}

// Durable implements Module.
func (*Memory) Durable() bool { return false }

// Key implements Module.
func (*Memory) Key() string { return "memory" }

// Validate checks the size.
func (m *Memory) Validate() error {
	if m.MaxSize < 0 || m.MaxSize > 0 && m.MaxSize < memory.KeySize {
		return fmt.Errorf("max_size: %d is less than the %d bytes of one key", m.MaxSize, memory.KeySize)
	}
	return nil
}

func (m *Memory) size() *int64 { return &m.MaxSize }

// Open implements Module.
func (m *Memory) Open(OpenOptions) (Opened, error) {
	return openMemory{memory.New(int(m.MaxSize))}, nil
}

type openMemory struct{ *memory.Store }

// Verify takes over the size.
func (o openMemory) Verify(m Module, _ [8]byte) error {
	if m, ok := m.(*Memory); ok {
		o.Resize(int(m.MaxSize))
	}
	return nil
}

// Close does nothing: the store holds only memory.
func (openMemory) Close() error { return nil }

// UnmarshalCaddyfile reads the module. Syntax:
//
//	memory {
//	    max_size <size>
//	}
func (m *Memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the module's name
	if d.NextArg() {
		return d.Err("memory: takes a block and no arguments")
	}
	return ReadOptions(d, map[string]func([]string) error{
		"max_size": OneArgument(func(arg string) error { return Size(&m.MaxSize, arg) }),
	})
}

// File keeps what became of calls in a file, for one process: it survives the process
// and the machine. It needs a hash_key.
type File struct {
	// The path of the file, on a local disk. It is created if it is missing, and
	// locked. Global placeholders are replaced.
	Path string `json:"path"`

	// The largest size of the file in bytes. When it is full, responses are not kept;
	// when not even keys fit, the store fails. A key takes about 256 bytes. A new
	// size counts when the file is opened next. Default: 1073741824.
	MaxSize int64 `json:"max_size,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*File) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: Namespace + ".file", New: func() caddy.Module { return new(File) }}
}

// Provision makes the path absolute, and follows links.
func (f *File) Provision(caddy.Context) error {
	path, err := caddy.NewReplacer().ReplaceOrErr(f.Path, true, true)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if path == "" {
		return errors.New("path: is missing")
	}
	if f.Path, err = filepath.Abs(path); err != nil {
		return err
	}
	// Two paths of one file are one store. The file itself may not be there yet.
	if target, err := filepath.EvalSymlinks(f.Path); err == nil {
		f.Path = target
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(f.Path)); err == nil {
		f.Path = filepath.Join(dir, filepath.Base(f.Path))
	}
	return nil
}

// Validate checks the size.
func (f *File) Validate() error {
	if f.MaxSize != 0 && f.MaxSize < file.MinMaxSize {
		return fmt.Errorf("max_size: %d is less than %d bytes", f.MaxSize, file.MinMaxSize)
	}
	return nil
}

// Durable implements Module.
func (*File) Durable() bool { return true }

// Key implements Module.
func (f *File) Key() string { return "file " + f.Path }

func (f *File) size() *int64 { return &f.MaxSize }

// Open implements Module.
func (f *File) Open(o OpenOptions) (Opened, error) {
	s, err := file.Open(f.Path, file.Options{Check: o.Check, MaxSize: int(f.MaxSize)})
	return openFile{s}, err
}

type openFile struct{ *file.Store }

// Verify returns an error if the file has another hash_key.
func (o openFile) Verify(_ Module, check [8]byte) error { return o.Store.Verify(check) }

// UnmarshalCaddyfile reads the module. Syntax:
//
//	file <path> {
//	    max_size <size>
//	}
func (f *File) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the module's name
	if !d.Args(&f.Path) {
		return d.Err("file: want a path")
	}
	if d.NextArg() {
		return d.Err("file: want one path; write quotes around one with spaces")
	}
	return ReadOptions(d, map[string]func([]string) error{
		"max_size": OneArgument(func(arg string) error { return Size(&f.MaxSize, arg) }),
	})
}

// Interface guards.
var (
	_ Module                = (*Memory)(nil)
	_ Module                = (*File)(nil)
	_ caddy.Provisioner     = (*File)(nil)
	_ caddy.Validator       = (*Memory)(nil)
	_ caddy.Validator       = (*File)(nil)
	_ caddyfile.Unmarshaler = (*Memory)(nil)
	_ caddyfile.Unmarshaler = (*File)(nil)
)
