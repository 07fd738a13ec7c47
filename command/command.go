package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/evovoice-gateway/caddy-conference-members/handler"
)

// Name is the name of the command.
const Name = "conference-members"

// The exit statuses beside 0.
const (
	exitNotOK = 1 // a call would be refused
	exitUsage = 2 // a mistake in the command line, the configuration or the file
)

// configuration is what the help of both commands says about --config.
const configuration = `
The configuration is that of --config, a Caddyfile or what another adapter
reads (--adapter). Without it all options have their defaults. Only the handler
conference_members is taken from it: nothing is started and nothing is locked, so
that a gateway can run on it at the same time. Placeholders of requests come
out empty. If there are several handlers, --handler says which.`

// Register makes the command known to Caddy.
func Register() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  Name,
		Short: "Checks calls and makes CSV as the handler conference_members does",
		Long: `
Works on files as the handler conference_members works on requests: "check" says
which calls would be refused and why, "csv" makes CSV of JSON of the API.`,
		CobraFunc: func(parent *cobra.Command) {
			parent.AddCommand(checkCommand(), csvCommand())
			// A misspelt command must not succeed in a script.
			parent.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				return exit(cmd, exitUsage, fmt.Errorf("there is no command %s; the commands are check and csv", args[0]))
			}
		},
	})
}

// exit ends a command with a status.
func exit(cmd *cobra.Command, status int, err error) error {
	cmd.SilenceUsage = true
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, err })(cmd, nil)
}

// checkCommand is the command check.
func checkCommand() *cobra.Command {
	cmd := newCommand("check", "[--session ID]", `Says what would become of calls, and places none`, `
Judges calls as the gateway would, and writes a row of CSV for each: whether it
would be placed, what its destination is, and which rules it breaks. Nothing is
dialled.

The file holds calls as the gateway takes them: CSV with a header row, a JSON list
or object, or a JSON object a line; "-" is standard input. Its name tells its kind
(.csv, .json, .ndjson, .jsonl), or else its beginning does. On a terminal, the
command says how much of a large file it has read.
`+configuration+`

The exit status is 0 if all calls would be placed, 1 if one would be refused, and 2
if the calls or the configuration can't be read.`,
		`  caddy conference-members check --config /etc/caddy/Caddyfile guests.csv
  caddy conference-members check - < guests.csv`,
		func(cmd *cobra.Command, off *handler.Offline, in *input) (int, error) {
			session, err := cmd.Flags().GetString("session")
			if err != nil {
				return exitUsage, err
			}
			body, contentType, err := in.sniff()
			if err != nil {
				return exitUsage, err
			}
			ok, err := off.Check(cmd.OutOrStdout(), body, contentType, session)
			switch {
			case err != nil:
				return exitUsage, fmt.Errorf("%s: %w", in.name, err)
			case !ok:
				return exitNotOK, fmt.Errorf("%s: not every call would be placed", in.name)
			}
			return 0, nil
		})
	cmd.Flags().String("session", "", "The session of calls that name none (default any)")
	return cmd
}

// csvCommand is the command csv.
func csvCommand() *cobra.Command {
	cmd := newCommand("csv", "[--view NAME]", `Makes CSV of JSON of the API`, `
Makes CSV of a session, or of a list of sessions, as the block csv of the configuration
or one of its views says; "-" is standard input. On a terminal, the command says how
much of a large file it has read.
`+configuration+`

The exit status is 0, or 2 if the JSON or the configuration can't be read.`,
		`  caddy conference-members csv --config /etc/caddy/Caddyfile --view guests session.json`,
		func(cmd *cobra.Command, off *handler.Offline, in *input) (int, error) {
			view, err := cmd.Flags().GetString("view")
			if err != nil {
				return exitUsage, err
			}
			if err := off.CSV(cmd.OutOrStdout(), in, view); err != nil {
				return exitUsage, fmt.Errorf("%s: %w", in.name, err)
			}
			return 0, nil
		})
	cmd.Flags().String("view", "", "The view to write (default none: as the block csv says)")
	return cmd
}

// newCommand is a command on one file. What it returns is an exit status.
func newCommand(name, flags, short, long, example string, run func(*cobra.Command, *handler.Offline, *input) (int, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:                   name + " [--config FILE] [--adapter NAME] [--handler N] " + flags + " FILE|-", // manpage would drop <file>
		DisableFlagsInUseLine: true,
		Short:                 short,
		Long:                  long[1:],
		Example:               example,
	}
	cmd.Flags().StringP("config", "c", "", "The file of the configuration (default none: all options have their defaults)")
	cmd.Flags().StringP("adapter", "a", "", "The adapter that reads the configuration (default by the name of its file)")
	cmd.Flags().Int("handler", 0, "Which handler of several in the configuration, from 1")
	_ = cmd.MarkFlagFilename("config") // the flag is there
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return exit(cmd, exitUsage, err) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return exit(cmd, exitUsage, fmt.Errorf("want one file, or - for standard input; got %d arguments (see --help)", len(args)))
		}
		if err := flagsHaveValues(cmd); err != nil {
			return exit(cmd, exitUsage, err)
		}
		off, err := load(cmd)
		if err != nil {
			return exit(cmd, exitUsage, err)
		}
		in, err := open(cmd, args[0])
		if err != nil {
			return exit(cmd, exitUsage, err)
		}
		status, err := run(cmd, off, in)
		return exit(cmd, status, errors.Join(err, in.Close()))
	}
	return cmd
}

// flagsHaveValues finds flags that are given without a value: as if they were not given,
// the command would judge by other rules than those that are meant.
func flagsHaveValues(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch value := f.Value.String(); {
		case value == "":
			errs = append(errs, fmt.Errorf("--%s is empty; is a variable not set?", f.Name))
		case f.Name == "handler" && value == "0":
			errs = append(errs, errors.New("--handler counts from 1"))
		}
	})
	return errors.Join(errs...)
}

// load builds the handler of the configuration that the flags name.
func load(cmd *cobra.Command) (*handler.Offline, error) {
	file, err1 := cmd.Flags().GetString("config")
	adapter, err2 := cmd.Flags().GetString("adapter")
	which, err3 := cmd.Flags().GetInt("handler")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	cfg, err := readConfig(file, adapter, which)
	if err != nil {
		return nil, err
	}
	return handler.NewOffline(cfg)
}

// open opens a file, or standard input.
func open(cmd *cobra.Command, name string) (*input, error) {
	in := &input{name: name}
	if name == "-" {
		in.name, in.ReadCloser = "standard input", io.NopCloser(cmd.InOrStdin())
	} else {
		file, err := os.Open(name) //nolint:gosec // the user names it
		if err != nil {
			return nil, err
		}
		in.ReadCloser = file
	}
	if stderr, ok := cmd.ErrOrStderr().(*os.File); ok && isatty.IsTerminal(stderr.Fd()) {
		in.progress = stderr
	}
	return in, nil
}
